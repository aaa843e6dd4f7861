// Follows the sync of a page: whatever the server tells, the page fetches the part that shows it again.

const REST_MS = 5000;
let stream = null;

function follow() {
  const place = document.querySelector("[data-follows]");
  const address = place && new URL(place.dataset.follows, location).href;
  if (stream && stream.url === address && stream.readyState !== EventSource.CLOSED) return;
  stream?.close();
  stream = address ? new EventSource(address) : null;
  stream?.addEventListener("progress", () => htmx.trigger(place, "told"));
  stream?.addEventListener("finished", (event) => {
    event.target.close();
    place.removeAttribute("data-follows");
    htmx.trigger(place, "told");
  });
  // After a loss the browser connects again by itself, but not after an answer that is no stream.
  stream?.addEventListener("error", (event) => {
    if (event.target.readyState === EventSource.CLOSED) setTimeout(follow, REST_MS);
  });
}

addEventListener("pageshow", follow);
document.addEventListener("htmx:after:swap", follow);
