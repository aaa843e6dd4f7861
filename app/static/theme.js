// Sets the colour scheme before the page is drawn: what the reader's system asks for, and what it changes to.
"use strict";

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  set();
  dark.addEventListener("change", set);
})();
