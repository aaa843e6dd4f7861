"""Send the events of a simulated Stripe to several hosts, and again to another one until they are acknowledged."""

import heapq
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException
from itertools import count
from threading import Condition, Thread

from sandbox.stripe.account.endpoints import Endpoint
from sandbox.stripe.account.platform import SimulatedStripe, Told
from tests.support.web.webhooks import send

_TIMEOUT_SECONDS = 5.0
_THREADS = 16
_AGAIN_AFTER_SECONDS = (0.1, 0.5, 1.0, 2.0)


class Sender:
    """Delivers each event that it is given, in threads. `acknowledged` and `sent` are ids of events."""

    def __init__(self, stripe: SimulatedStripe, endpoint: Endpoint, ports: Sequence[int]) -> None:
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.attempts = 0
        self._stripe, self._endpoint, self._ports = stripe, endpoint, ports
        self._due: list[tuple[float, int, int, Told]] = []
        self._order, self._changed, self._is_over = count(), Condition(), False
        self._threads = [Thread(target=self._work, name="sender", daemon=True) for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def give(self, told: Told, *, attempt: int = 0) -> None:
        """Deliver an event."""
        wait = _AGAIN_AFTER_SECONDS[min(attempt, len(_AGAIN_AFTER_SECONDS)) - 1] if attempt else 0.0
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + wait, next(self._order), attempt, told))
            self._changed.notify()

    @property
    def is_done(self) -> bool:
        """Return whether all events are acknowledged."""
        return self.sent <= self.acknowledged and not self._due

    def stop(self) -> None:
        """Deliver nothing more."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(2 * _TIMEOUT_SECONDS)

    def _work(self) -> None:
        while not self._is_over:
            with self._changed:
                now = time.monotonic()
                if not self._due or self._due[0][0] > now:
                    self._changed.wait(max(0.001, self._due[0][0] - now) if self._due else 1.0)
                    continue
                _, _, attempt, told = heapq.heappop(self._due)
                self.sent.add(told.event.id)
            self.attempts += 1
            body = self._stripe.sign(told, self._endpoint).body
            with suppress(OSError, HTTPException):
                port = self._ports[(told.event.sequence + attempt) % len(self._ports)]
                if send(port, body, seconds=_TIMEOUT_SECONDS).status == 200:
                    self.acknowledged.add(told.event.id)
                    continue
            self.give(told, attempt=attempt + 1)
