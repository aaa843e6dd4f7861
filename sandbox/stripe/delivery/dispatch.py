"""Deliver webhooks: attempts, retries with back-off, and the mishaps of real deliveries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from threading import Condition, Thread

from sandbox.stripe.account.endpoints import Delivery, Endpoint
from sandbox.stripe.account.platform import SimulatedStripe, Told

_PERCENT = 100
_LONGEST_STOP_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """Percentages of deliveries that are lost for good, sent twice, or delayed by up to `delay_ms`."""

    lost_percent: int = 0
    twice_percent: int = 0
    late_percent: int = 0
    delay_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt at a delivery. `status` is the receiver's, None if it could not be reached, 0 if it was lost."""

    event_id: str
    event_type: str
    endpoint_id: str
    number: int
    status: int | None

    @property
    def succeeded(self) -> bool:
        """Return whether the status is 2xx. Redirects are not followed."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    at_ms: int
    order: int
    told: Told = field(compare=False)
    endpoint: Endpoint = field(compare=False)
    number: int = field(compare=False)


class Dispatcher:
    """A queue of deliveries to the endpoints that have a URL.

    `send` posts a delivery and returns the status, None without an answer. `monotonic_ms` returns milliseconds.
    Nothing is sent until `deliver_due` is called or `start` has started threads.
    """

    def __init__(
        self,
        stripe: SimulatedStripe,
        send: Callable[[Delivery], int | None],
        monotonic_ms: Callable[[], int],
        *,
        mishaps: Mishaps | None = None,
        retry_after_ms: tuple[int, ...] = (500, 2_000, 5_000, 15_000),
    ) -> None:
        self.attempts: list[Attempt] = []
        self._stripe = stripe
        self._send = send
        self._now = monotonic_ms
        self._mishaps = mishaps or Mishaps()
        self._retry_after_ms = retry_after_ms
        self._random = Random(f"deliveries:{stripe.seed}")
        self._waiting: list[_Due] = []
        self._queued = 0
        self._changed = Condition()
        self._stopped = False
        self._threads: list[Thread] = []
        stripe.listeners.append(self._hear)

    def deliver_due(self) -> None:
        """Make all attempts that are due now."""
        while (due := self._take()) is not None:
            self._attempt(due)

    def resend(self, told: Told, endpoint: Endpoint) -> None:
        """Queue an event once more, like a manual resend at Stripe."""
        self._queue(told, endpoint, self._now())

    @property
    def waiting(self) -> int:
        """Return the number of queued attempts."""
        with self._changed:
            return len(self._waiting)

    def start(self, threads: int = 4) -> None:
        """Start delivering in the background. With several threads, a slow receiver does not delay the others."""
        self._threads = [Thread(target=self._work, name=f"webhooks-{place}", daemon=True) for place in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop delivering. Queued attempts are dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            # A receiver that is slow to answer must not delay the stop.
            thread.join(_LONGEST_STOP_SECONDS)

    def _hear(self, told: Told, endpoint: Endpoint) -> None:
        if not endpoint.url:
            return
        if self._strikes(self._mishaps.lost_percent):
            self.attempts.append(Attempt(told.event.id, told.event.type, endpoint.id, 1, 0))
            return
        copies = 2 if self._strikes(self._mishaps.twice_percent) else 1
        for _ in range(copies):
            late = self._strikes(self._mishaps.late_percent)
            self._queue(told, endpoint, self._now() + (self._random.randrange(self._mishaps.delay_ms) if late else 0))

    def _strikes(self, percent: int) -> bool:
        return self._random.randrange(_PERCENT) < percent

    def _queue(self, told: Told, endpoint: Endpoint, at_ms: int, number: int = 1) -> None:
        with self._changed:
            self._queued += 1
            heappush(self._waiting, _Due(at_ms, self._queued, told, endpoint, number))
            self._changed.notify()

    def _take(self) -> _Due | None:
        with self._changed:
            if self._waiting and self._waiting[0].at_ms <= self._now():
                return heappop(self._waiting)
            return None

    def _attempt(self, due: _Due) -> None:
        event = due.told.event
        status = self._send(self._stripe.sign(due.told, due.endpoint))
        attempt = Attempt(event.id, event.type, due.endpoint.id, due.number, status)
        self.attempts.append(attempt)
        if attempt.succeeded:
            due.told.account.ledger(livemode=event.livemode).journal.delivered.add(event.id)
        elif due.number <= len(self._retry_after_ms):
            self._queue(due.told, due.endpoint, self._now() + self._retry_after_ms[due.number - 1], due.number + 1)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not (self._waiting and self._waiting[0].at_ms <= self._now()):
                    wait_ms = self._waiting[0].at_ms - self._now() if self._waiting else None
                    self._changed.wait(None if wait_ms is None else max(wait_ms, 1) / 1_000)
                if self._stopped:
                    return
                due = heappop(self._waiting)
            self._attempt(due)
