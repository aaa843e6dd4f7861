// Opens a line beside the table under the line's own URL, which can be shared; going back closes it.
"use strict";

(() => {
  const drawer = document.getElementById("drawer");
  const content = document.getElementById("line");

  async function open(link) {
    link.focus({ preventScroll: true });
    await htmx.ajax("GET", link.href, { target: content, swap: "innerHTML" });
    if (!drawer.open) drawer.showModal();
    content.scrollTop = 0;
    content.querySelector("h2")?.focus();
    if (history.state?.line) history.replaceState({ line: true }, "", link.href);
    else history.pushState({ line: true }, "", link.href);
  }

  document.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const row = event.target.closest("#lines tbody.page tr:not(.gap)");
    const link = event.target.closest("a");
    if (!row || (link && !link.classList.contains("line")) || (!link && String(getSelection()))) return;
    event.preventDefault();
    open(row.querySelector("a.line") ?? link);
  });

  drawer.addEventListener("close", () => {
    if (history.state?.line) history.back();
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.line) location.reload();
    else if (drawer.open) drawer.close();
  });
})();
