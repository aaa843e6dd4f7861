// Moves from line to line with the arrow keys, j and k. Each line is one stop for Tab.
"use strict";

document.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  const box = event.target.closest("#lines");
  if (!by || !box || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const links = [...box.querySelectorAll("tbody.batch tr:not(.gap) a.line")];
  const at = links.indexOf(event.target.closest("a.line"));
  const next = at < 0 ? links[0] : links[at + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});
