// Reorders rules by dragging them. Without this script, and by keyboard, buttons move a rule up and down.
"use strict";

(() => {
  const form = document.getElementById("rules");
  if (!form?.querySelector(".grip")) return;
  const rows = () => [...form.querySelectorAll(".rule[data-rule]")];
  let dragged = null;

  const unmark = () => rows().forEach((row) => row.classList.remove("is-before", "is-behind"));
  const isBehind = (row, y) => y > row.getBoundingClientRect().top + row.offsetHeight / 2;

  form.classList.add("can-drag");
  // A rule can be dragged by its grip alone, so that its text can still be selected.
  form.addEventListener("pointerdown", ({ target }) => {
    const row = target.closest(".grip")?.closest(".rule");
    if (row) row.draggable = true;
  });
  form.addEventListener("pointerup", () => rows().forEach((row) => row.removeAttribute("draggable")));
  form.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".rule");
    event.dataTransfer.effectAllowed = "move";
    dragged.classList.add("is-dragged");
  });
  form.addEventListener("dragover", (event) => {
    const row = event.target.closest(".rule[data-rule]");
    if (!dragged || !row) return;
    event.preventDefault();
    unmark();
    if (row !== dragged) row.classList.add(isBehind(row, event.clientY) ? "is-behind" : "is-before");
  });
  form.addEventListener("drop", (event) => {
    const row = event.target.closest(".rule[data-rule]");
    if (!dragged || !row || row === dragged) return;
    event.preventDefault();
    row[isBehind(row, event.clientY) ? "after" : "before"](dragged);
    form.elements.order.value = rows().map((one) => one.dataset.rule).join(" ");
    form.submit();
  });
  form.addEventListener("dragend", () => {
    unmark();
    dragged?.classList.remove("is-dragged");
    dragged?.removeAttribute("draggable");
    dragged = null;
  });
})();
