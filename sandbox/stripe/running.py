"""Put together a whole simulated Stripe server: API, Connect, webhook delivery, faults and control."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.delivery.dispatch import Dispatcher, Mishaps
from sandbox.stripe.delivery.posting import post
from sandbox.stripe.doors.api import Api
from sandbox.stripe.doors.apps import Apps
from sandbox.stripe.doors.connect import Connect
from sandbox.stripe.doors.control import Control
from sandbox.stripe.doors.front import Front, RequestLog
from sandbox.stripe.faults.faults import FaultPlan
from sandbox.stripe.http.limits import RateLimits
from sandbox.stripe.http.server import Address, HttpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a server. `retry_after_ms` are the waits between the attempts at a webhook."""

    address: Address = field(default_factory=Address)
    latency_ms: int = 0
    rate_limits: bool = False
    redirect_uris: tuple[str, ...] = ()
    mishaps: Mishaps = field(default_factory=Mishaps)
    retry_after_ms: tuple[int, ...] = (500, 2_000, 5_000, 15_000)
    monotonic_ns: Callable[[], int] = time.monotonic_ns


class StripeServer:
    """A server for a simulated Stripe. Use it in a `with` block, or call `start` and `stop`.

    `url` is the base address of both the API and Connect. Webhooks are sent automatically once `deliver` was called;
    until then `dispatcher.deliver_due()` sends those that are due.
    """

    def __init__(self, stripe: SimulatedStripe, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        monotonic_ns = settings.monotonic_ns
        self.stripe = stripe
        self.faults = FaultPlan()
        self.connect = Connect(stripe, settings.redirect_uris)
        self.apps = Apps(stripe)
        self.dispatcher = Dispatcher(
            stripe,
            post,
            lambda: monotonic_ns() // 1_000_000,
            mishaps=settings.mishaps,
            retry_after_ms=settings.retry_after_ms,
        )
        self._front = Front(
            stripe,
            api=Api(stripe, RateLimits(monotonic_ns) if settings.rate_limits else None),
            connect=self.connect,
            apps=self.apps,
            control=Control(stripe, self.faults, self.dispatcher),
            faults=self.faults,
        )
        self._http = HttpServer(self._front.answer, settings.address, latency_ms=settings.latency_ms)

    @property
    def url(self) -> str:
        """Return the server's base URL."""
        return self._http.url

    @property
    def requests(self) -> RequestLog:
        """Return the log of answered requests."""
        return self._front.log

    def start(self) -> Self:
        """Serve in the background."""
        self._http.start()
        return self

    def deliver(self) -> Self:
        """Start sending webhooks in the background."""
        self.dispatcher.start()
        return self

    def stop(self) -> None:
        """Stop sending webhooks and serving requests."""
        self.dispatcher.stop()
        self._http.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
