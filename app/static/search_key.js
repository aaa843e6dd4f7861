// "/" goes to the search field, unless somebody is writing.
"use strict";

document.addEventListener("keydown", (event) => {
  const isWriting = event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]");
  if (event.key !== "/" || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById("search").select();
});
