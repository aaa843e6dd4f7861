// Searches as one types, and "/" focuses the search field, unless the focus is in a field or a dialog.
"use strict";

(() => {
  const REST_MS = 300;
  const field = document.getElementById("search");
  let resting = 0;
  let asked = 0;

  async function search() {
    const words = new URLSearchParams(new FormData(field.form));
    if (!field.value.trim()) words.delete("q");
    const address = `${location.pathname}${words.size ? `?${words}` : ""}`;
    const ask = ++asked;
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // A later search, a sign-in or a mistake: the first is answered already, the others need a whole page.
    if (ask !== asked) return;
    const view = page.getElementById("view");
    if (!answer.ok || !view) return location.assign(address);
    document.getElementById("view").replaceWith(view);
    htmx.process(view);
    history.replaceState(history.state, "", address);
    document.dispatchEvent(new Event("view"));
  }

  field.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(search, REST_MS);
  });

  document.addEventListener("keydown", (event) => {
    const isWriting = event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]");
    if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.select();
  });
})();
