// Offers a button to copy the id under the pointer: one button for all of them.
"use strict";

(() => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-icon copies";
  button.tabIndex = -1;
  button.ariaLabel = "Copy";

  document.addEventListener("pointerover", (event) => {
    const place = event.target.closest?.("[data-copies]");
    if (!place) return button.remove();
    if (button.parentElement === place) return;
    button.classList.remove("done");
    place.append(button);
  });
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    await navigator.clipboard.writeText(button.parentElement.dataset.copies);
    button.classList.add("done");
  });
})();
