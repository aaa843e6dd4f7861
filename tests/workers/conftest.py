"""Fixtures: a simulated Stripe for the workers to read, and the workers' tools."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from redis import Redis

from runtime.database import acting_as, open_engine
from runtime.roles import WORKER
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tenants.secrets import SecretBox
from tests.support.clock import NOON, SetClock
from tests.support.databases import as_worker_login
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.runs import reset_rate_limits
from workers.wiring.tools import Tools


def no_pause(_seconds: float) -> None:
    """Return at once: tests do not wait where production does."""


@pytest.fixture
def simulated(clock: SetClock) -> SimulatedStripe:
    return SimulatedStripe(lambda: int(clock().timestamp()), seed=11)


@pytest.fixture
def stripe_server(simulated: SimulatedStripe) -> Iterator[StripeServer]:
    with StripeServer(simulated) as running:
        yield running


@pytest.fixture
def tools(database_url: str, redis: Redis, stripe_server: StripeServer, clock: SetClock) -> Iterator[Tools]:
    assert clock() == NOON
    engine = acting_as(open_engine(as_worker_login(database_url), name="worker", pool_size=10), WORKER)
    key = stripe_server.stripe.platform_key(livemode=True)
    with ThreadPoolExecutor(8) as threads:
        yield Tools(
            engine=engine,
            redis=redis,
            stripe=StripeGateway(
                PlatformKeyring(key),
                api_base=stripe_server.url,
                rate_limit=RateLimit(redis, pause=lambda _seconds: reset_rate_limits(redis)),
                pause=no_pause,
            ),
            clock=clock,
            executor=threads,
            box=SecretBox([b"k" * 32]),
            sync_period_seconds=86_400,
            stopping=Event(),
            pause=no_pause,
        )
    engine.dispose()
