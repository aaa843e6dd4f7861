// Keeps which lines are selected while pages of lines come and go, and tells how many they are and what all come to.
"use strict";

(() => {
  const form = document.getElementById("by-hand");
  if (!form) return;
  const table = document.querySelector("#lines table");
  const kept = new Map();

  function tell() {
    const count = kept.size;
    form.querySelector("[data-selected]").textContent = count
      ? `${count.toLocaleString("en")} line${count === 1 ? "" : "s"} selected`
      : "Select lines to map by hand";
  }

  function keep(box) {
    if (box.checked && !kept.has(box.value)) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "line", value: box.value });
      form.append(field);
      kept.set(box.value, field);
    } else if (!box.checked) {
      kept.get(box.value)?.remove();
      kept.delete(box.value);
    }
  }

  table.addEventListener("change", ({ target }) => {
    if (!target.matches(".picks input")) return;
    keep(target);
    tell();
  });
  // A page of lines that was away comes back without its marks.
  new MutationObserver(() => {
    for (const box of table.querySelectorAll(".picks input:not(:checked)")) if (kept.has(box.value)) box.checked = true;
  }).observe(table, { childList: true, subtree: true });

  document.addEventListener("htmx:after:swap", () => {
    const totals = document.querySelector("[data-line-count]");
    const isMixed = document.querySelectorAll("#figures .totals .currencies > li").length > 1;
    const billed = document.querySelector("#figures .totals .main dd")?.textContent.trim();
    const sum = billed && isMixed ? `${billed} and other currencies` : billed;
    if (totals) form.querySelector("[data-all]").textContent = `${Number(totals.dataset.lineCount).toLocaleString("en")} that match${sum ? `, ${sum}` : ""}`;
  });
  // The browser remembers marks of a page that one goes back to.
  for (const box of table.querySelectorAll(".picks input:checked")) keep(box);
  tell();
})();
