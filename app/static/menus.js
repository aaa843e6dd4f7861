// Closes menus and dialogs by keyboard and by a click outside, which the browser's own elements do not do.
"use strict";

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const isInside = menu.contains(event.target);
    if (isInside && !event.target.closest("[data-opens], a[download]")) continue;
    // What has the focus is about to vanish: a dialog gives it back to where it was.
    if (isInside) menu.querySelector("summary").focus();
    menu.open = false;
  }
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
  // Without this script they work as links to the dialog and away from it.
  if (opener || closer) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
