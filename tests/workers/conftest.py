"""Fixtures: a simulated Stripe for the workers to read, and the workers' tools."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from sqlalchemy import Engine

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from tests.support.clock import NOON, SetClock
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
def tools(engine: Engine, redis: Redis, stripe_server: StripeServer, clock: SetClock) -> Iterator[Tools]:
    assert clock() == NOON
    with ThreadPoolExecutor(8) as threads:
        yield worker_tools(engine, redis, stripe_server, clock, threads)
