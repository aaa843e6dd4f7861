// Suggests what lines can be filtered by while one types into a field of the filters: a combobox with a list.
"use strict";

(() => {
  const REST_MS = 150;
  let resting = 0;
  let asked = 0;
  let made = 0;

  const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));
  const chosenOf = (field) => document.getElementById(field.getAttribute("aria-activedescendant"));

  function prepare(field) {
    if (field.hasAttribute("aria-controls")) return;
    const list = document.createElement("ul");
    list.id = `suggested-${++made}`;
    list.className = "suggested dropdown-menu";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": list.id, "aria-autocomplete": "list", "aria-expanded": "false" }))
      field.setAttribute(name, value);
    field.after(list);
  }

  function show(field, options) {
    const list = listOf(field);
    if (!list) return;
    list.innerHTML = options;
    for (const [place, option] of [...list.children].entries()) option.id = `${list.id}-${place}`;
    list.hidden = !list.children.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    field.removeAttribute("aria-activedescendant");
  }

  async function suggest(field) {
    // The part of the page around it may have been replaced since it got the focus.
    prepare(field);
    const address = new URL(field.dataset.suggests, location.href);
    const mode = new FormData(field.form).get("livemode");
    if (field.value.trim()) address.searchParams.set("q", field.value.trim());
    if (mode) address.searchParams.set("livemode", mode);
    const ask = ++asked;
    const answer = await fetch(address);
    const options = answer.ok ? await answer.text() : "";
    if (ask === asked && field === document.activeElement) show(field, options);
  }

  function mark(field, option) {
    chosenOf(field)?.removeAttribute("aria-selected");
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function choose(field, option) {
    field.value = option.dataset.value;
    asked += 1;
    show(field, "");
    const box = field.closest(".values");
    if ("one" in box.dataset || [...box.querySelectorAll("input")].some((other) => !other.value)) return;
    // Another value, of which a line may have either.
    const next = field.cloneNode();
    for (const name of ["id", "role", "aria-controls", "aria-autocomplete", "aria-expanded"]) next.removeAttribute(name);
    next.setAttribute("aria-label", `${box.querySelector("label, .label").textContent} ${box.querySelectorAll("input").length + 1}`);
    next.placeholder = "or …";
    next.value = "";
    listOf(field).after(next);
  }

  function move(field, key) {
    const options = [...listOf(field).children];
    const place = options.indexOf(chosenOf(field)) + (key === "ArrowDown" ? 1 : -1);
    if (options.length) mark(field, options.at(place % options.length));
  }

  document.addEventListener("focusin", ({ target }) => target.dataset?.suggests && prepare(target));
  document.addEventListener("focusout", ({ target }) => target.dataset?.suggests && show(target, ""));

  document.addEventListener("input", ({ target }) => {
    clearTimeout(resting);
    if (target.dataset.suggests) resting = setTimeout(suggest, REST_MS, target);
  });

  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest(".suggested > *");
    if (!option) return;
    event.preventDefault();
    choose(document.activeElement, option);
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.dataset?.suggests) return;
    const isOpen = listOf(field)?.hidden === false;
    if (isOpen && event.key === "Escape") show(field, "");
    else if (isOpen && event.key === "Enter" && chosenOf(field)) choose(field, chosenOf(field));
    else if (isOpen && ["ArrowDown", "ArrowUp"].includes(event.key)) move(field, event.key);
    else if (event.key === "ArrowDown") suggest(field);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, { capture: true });
})();
