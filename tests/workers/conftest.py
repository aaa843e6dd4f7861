"""Fixtures: a simulated Stripe for the workers to read, and the workers' tools."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from runtime.database import acting_as, open_engine
from runtime.roles import WORKER
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from tests.support.clock import NOON, SetClock
from tests.support.databases import Databases, as_worker_login
from tests.support.syncs.worker_tools import worker_tools
from workers.wiring.tools import Tools


@pytest.fixture
def simulated(clock: SetClock) -> SimulatedStripe:
    return SimulatedStripe(lambda: int(clock().timestamp()), seed=11)


@pytest.fixture
def stripe_server(simulated: SimulatedStripe) -> Iterator[StripeServer]:
    with StripeServer(simulated) as running:
        yield running


@pytest.fixture
def tools(
    database_url: str, databases: Databases, redis: Redis, stripe_server: StripeServer, clock: SetClock
) -> Iterator[Tools]:
    assert clock() == NOON
    engine = databases.engine(
        "worker",
        lambda: acting_as(open_engine(as_worker_login(database_url), name="worker", pool_size=10), WORKER),
    )
    with ThreadPoolExecutor(8) as threads:
        yield worker_tools(engine, redis, stripe_server, clock, threads)
