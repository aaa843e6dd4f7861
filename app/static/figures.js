// Offers to try again where the totals of the table don't arrive.
"use strict";

document.addEventListener("htmx:finally:request", (event) => {
  const figures = event.detail.ctx.target;
  if (figures?.id !== "figures" || figures.querySelector(".totals, [href]")) return;
  figures.querySelector(".awaited")?.remove();
  figures.append(document.getElementById("figures-lost").content.cloneNode(true));
});
