// Keeps only the pages of lines near the viewport in the document: far ones are replaced by a gap of the same height.
"use strict";

(() => {
  let left = null;

  function start() {
    left?.();
    left = null;
    const box = document.getElementById("lines");
    if (box) left = keepNear(box);
  }

  start();
  document.addEventListener("view", start);
})();

// Returns a function that lets go of the box.
function keepNear(box) {
  const table = box.querySelector("table");
  const more = table.querySelector("tbody.more");
  const link = more.querySelector("a");
  const busy = new WeakSet();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (target === more) isIntersecting && once(more, grow);
        else if (isIntersecting) once(target, fill);
        else empty(target);
      }
    },
    { root: box, rootMargin: "1600px 0px" },
  );

  async function once(body, work) {
    if (busy.has(body)) return;
    busy.add(body);
    try {
      await work(body);
    } catch {
      if (body === more) link.textContent = "Couldn't load more lines. Try again";
    } finally {
      busy.delete(body);
    }
  }

  async function read(address) {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(`${answer.status}`);
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    return part.content.querySelector("tbody");
  }

  async function grow() {
    const page = await read(link.dataset.rows);
    more.before(page);
    observer.observe(page);
    link.textContent = "Show more";
    link.href = page.dataset.nextPage;
    link.dataset.rows = page.dataset.following;
    more.hidden = !page.dataset.following;
    // Observed again, it reports once more whether it is still in view.
    observer.unobserve(more);
    observer.observe(more);
  }

  async function fill(page) {
    if (page.querySelector(".gap")) page.replaceChildren(...(await read(page.dataset.here)).rows);
  }

  function empty(page) {
    if (page.contains(document.activeElement) || page.querySelector(".gap") || !page.offsetHeight) return;
    const height = page.offsetHeight;
    const gap = document.createElement("tr");
    gap.className = "gap";
    gap.ariaHidden = "true";
    const cell = gap.insertCell();
    cell.colSpan = link.parentElement.colSpan;
    cell.style.height = `${height}px`;
    page.replaceChildren(gap);
  }

  for (const page of table.querySelectorAll("tbody.batch")) observer.observe(page);
  observer.observe(more);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    once(more, grow);
  });
  const count = () => {
    const totals = document.querySelector("[data-line-count]");
    if (totals) table.setAttribute("aria-rowcount", Number(totals.dataset.lineCount) + 1);
  };
  document.addEventListener("htmx:after:swap", count);
  return () => {
    observer.disconnect();
    document.removeEventListener("htmx:after:swap", count);
  };
}
