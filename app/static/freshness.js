// Checks every ten seconds whether the table has changed, while the page is visible.
"use strict";

(() => {
  const look = () => {
    if (document.visibilityState === "visible") document.getElementById("freshness")?.dispatchEvent(new Event("look"));
  };
  setInterval(look, 10_000);
  document.addEventListener("visibilitychange", look);
})();
