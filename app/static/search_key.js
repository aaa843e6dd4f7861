// "/" focuses the search field, unless the focus is in a field or a dialog.
"use strict";

document.addEventListener("keydown", (event) => {
  const isWriting = event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]");
  if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById("search").select();
});
