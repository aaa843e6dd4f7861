// Shows in a tooltip what is cut off in the table, once the pointer is over it.
"use strict";

document.addEventListener("pointerover", (event) => {
  const text = event.target.closest?.("#lines .clip, #lines td.figure, #lines td > span:not([title])");
  if (!text) return;
  const box = text.matches(".clip, .figure") ? text : text.parentElement;
  if (box.scrollWidth > box.clientWidth) text.title = text.textContent;
});
