// In the API reference: finds routes, marks the section that is read, and copies examples. Without it all of it reads.
"use strict";

(() => {
  const nav = document.getElementById("places");
  const links = new Map([...nav.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));

  // Finding
  const field = document.getElementById("find");
  field.parentElement.hidden = false;
  const routes = [...nav.querySelectorAll("li")];
  const words = new Map(routes.map((route) => [route, `${route.textContent} ${route.dataset.words ?? ""}`.toLowerCase()]));
  const find = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const route of routes) route.hidden = !wanted.every((word) => words.get(route).includes(word));
    for (const list of nav.querySelectorAll("ul")) {
      list.hidden = list.previousElementSibling.hidden = !list.querySelector("li:not([hidden])");
    }
    const count = routes.filter((route) => !route.hidden).length;
    document.getElementById("found").textContent = wanted.length ? `${count} found` : "";
  };
  field.addEventListener("input", () => {
    find();
    // On a narrow screen the routes are behind a button.
    if (field.value && getComputedStyle(nav).display === "none") nav.showPopover();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { field.value = ""; find(); }
    if (event.key === "Enter") nav.querySelector("li:not([hidden]) a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    field.focus();
  });
  nav.addEventListener("click", (event) => {
    if (event.target.closest("a") && nav.matches(":popover-open")) nav.hidePopover();
  });

  // Marking: the last section that begins above the upper third of the window
  const sections = [...document.querySelectorAll("main [id]")].filter((section) => links.has(section.id));
  let current;
  const mark = () => {
    const edge = innerHeight / 3;
    const read = sections.findLast((section) => section.getBoundingClientRect().top < edge);
    const link = links.get(read?.id);
    if (link === current) return;
    current?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
    current = link;
    const box = nav.getBoundingClientRect(), place = link?.getBoundingClientRect();
    if (place && (place.top < box.top || place.bottom > box.bottom)) nav.scrollTop += place.top - box.top - box.height / 3;
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  }, { passive: true });
  mark();

  // Copying
  for (const code of document.querySelectorAll("figure.code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.querySelector("figcaption").append(button);
  }
})();
