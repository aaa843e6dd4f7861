// Follows the sync of a page: after every server-sent event the page fetches the part that shows it again.

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
  // The browser reconnects by itself after a lost connection, but not after a response that is not a stream.
  stream?.addEventListener("error", (event) => {
    if (event.target.readyState === EventSource.CLOSED) setTimeout(follow, REST_MS);
  });
}

addEventListener("pageshow", follow);
document.addEventListener("htmx:after:swap", follow);
