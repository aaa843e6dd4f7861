// Opens what a figure is made of beside the report, under the figure's own URL; going back closes it.
"use strict";

(() => {
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
    opener = link;
    if (!drawer.open) matchMedia("(max-width: 56rem)").matches ? drawer.showModal() : drawer.show();
    content.scrollTop = 0;
    content.querySelector(".title")?.focus({ preventScroll: true });
    if (history.state?.figure) history.replaceState({ figure: true }, "", link.href);
    else history.pushState({ figure: true }, "", link.href);
  }

  document.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("[data-closes]")) return drawer.close();
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[data-explains]");
    if (!link) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawer.open) drawer.close();
  });
  drawer.addEventListener("close", () => {
    opener?.focus({ preventScroll: true });
    if (history.state?.figure) history.back();
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.figure) location.reload();
    else if (drawer.open) drawer.close();
  });
})();
