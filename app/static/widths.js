// Makes the table's columns wider and narrower: by dragging the edge of a heading, or by its arrow keys. Home or a double
// click gives a column its usual width. The server remembers all widths.
"use strict";

(() => {
  const LEAST = 48;
  const MOST = 1200;
  const STEP = 16;

  function start() {
    const box = document.getElementById("lines");
    if (!box) return;
    const table = box.querySelector("table");
    const cols = [...table.querySelectorAll("col[data-column]")];
    const heads = [...table.querySelectorAll("thead th:not(.picks)")];
    const token = document.querySelector("input[name=csrf_token]").value;

    function show() {
      for (const col of cols) col.style.width = col.dataset.width ? `${col.dataset.width}px` : "";
      // If no column is left to take what remains, the table ends where its last one does.
      const takesRest = table.matches(".fits") && cols.some((col) => col.matches(".description:not([data-width])"));
      table.classList.toggle("sized", !takesRest && cols.some((col) => col.dataset.width));
      heads.forEach((head) => head.querySelector(".grip")?.setAttribute("aria-valuenow", head.offsetWidth));
    }

    function set(col, width) {
      if (width === null) delete col.dataset.width;
      else col.dataset.width = Math.round(Math.min(MOST, Math.max(LEAST, width)));
      show();
    }

    function keep() {
      const widths = new URLSearchParams(cols.filter((col) => col.dataset.width).map((col) => [col.dataset.column, col.dataset.width]));
      fetch(box.dataset.widths, { method: "POST", body: widths, headers: { "X-CSRF-Token": token }, keepalive: true });
    }

    function grip(head, col) {
      const edge = document.createElement("span");
      const name = head.textContent.trim();
      edge.className = "grip";
      edge.tabIndex = 0;
      edge.title = "Drag, or press the arrow keys";
      for (const [key, value] of Object.entries({ role: "separator", "aria-orientation": "vertical", "aria-label": `Width of ${name}`, "aria-valuemin": LEAST, "aria-valuemax": MOST })) edge.setAttribute(key, value);
      head.ariaLabel = name;
      head.append(edge);
      edge.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        edge.setPointerCapture(event.pointerId);
        edge.classList.add("held");
        const from = head.offsetWidth - event.clientX;
        edge.onpointermove = (moved) => set(col, from + moved.clientX);
      });
      edge.addEventListener("lostpointercapture", () => {
        edge.onpointermove = null;
        edge.classList.remove("held");
        keep();
      });
      const usual = () => { set(col, null); keep(); };
      edge.addEventListener("dblclick", usual);
      edge.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
        if (!by && event.key !== "Home") return;
        event.preventDefault();
        if (!by) return usual();
        set(col, head.offsetWidth + by);
        keep();
      });
    }

    heads.forEach((head, index) => grip(head, cols[index]));
    show();
  }

  start();
  document.addEventListener("view", start);
})();
