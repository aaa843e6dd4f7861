// Sets the colour scheme before the page is drawn: what the reader's system asks for, and what it changes to. Paper is
// light.
"use strict";

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  const set = () => { document.documentElement.dataset.bsTheme = dark.matches && !paper.matches ? "dark" : "light"; };
  set();
  for (const one of [dark, paper]) one.addEventListener("change", set);
})();
