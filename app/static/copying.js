// Offers a button to copy the id under the pointer: one button for all of them.
"use strict";

(() => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-icon copies";
  button.tabIndex = -1;
  button.ariaLabel = "Copy";

  document.addEventListener("pointerover", (event) => {
    const place = event.target.closest?.("[data-copies], #lines .id:has(a)");
    if (!place) return button.remove();
    if (button.parentElement === place) return;
    button.classList.remove("done");
    place.append(button);
  });
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const place = button.parentElement;
    // The tooltip of a line's id, or of a link that filters by one, ends with it.
    await navigator.clipboard.writeText(place.dataset.copies ?? place.querySelector("a").title.split(" ").at(-1));
    button.classList.add("done");
  });
})();
