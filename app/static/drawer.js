// Opens a line beside the table under the line's own URL, which can be shared; going back closes it.
"use strict";

(() => {
  const ROWS = "#lines tbody.batch tr:not(.gap)";
  const drawer = document.getElementById("drawer");
  const content = document.getElementById("line");
  let opener = null;

  async function open(link) {
    let isLost = false;
    const lose = () => { isLost = true; };
    document.addEventListener("htmx:error", lose);
    await htmx.ajax("GET", link.href, { target: content, swap: "innerHTML" });
    document.removeEventListener("htmx:error", lose);
    // Without an answer the drawer would show nothing, or something else: the browser says what is wrong.
    if (isLost) return location.assign(link.href);
    mark(link);
    // Beside the table where there is room for both, else over it.
    if (!drawer.open) matchMedia("(max-width: 56rem)").matches ? drawer.showModal() : drawer.show();
    content.scrollTop = 0;
    content.querySelector(".title")?.focus({ preventScroll: true });
    if (history.state?.line) history.replaceState({ line: true }, "", link.href);
    else history.pushState({ line: true }, "", link.href);
  }

  function mark(link) {
    document.querySelector("#lines tr.opened")?.classList.remove("opened");
    opener = link;
    link?.closest("tr").classList.add("opened");
    link?.closest("tr").scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const links = [...document.querySelectorAll(`${ROWS} a.line`)];
    const next = links[links.indexOf(opener) + by];
    if (next) open(next);
  }

  document.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const row = event.target.closest(ROWS);
    const link = event.target.closest("a, button, .picks");
    if (!row || (link && !link.classList.contains("line")) || (!link && String(getSelection()))) return;
    event.preventDefault();
    open(row.querySelector("a.line") ?? link);
  });

  drawer.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (event.key === "Escape") drawer.close();
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(by);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawer.open && !event.target.closest("details[open], dialog")) drawer.close();
  });

  drawer.addEventListener("close", () => {
    const link = opener;
    mark(null);
    link?.focus({ preventScroll: true });
    if (history.state?.line) history.back();
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.line) location.reload();
    else if (drawer.open) drawer.close();
  });
})();
