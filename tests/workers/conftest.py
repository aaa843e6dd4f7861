"""A simulated Stripe that the workers read, and the tools they work with."""

from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import Engine

from sandbox.stripe.platform import SimulatedStripe
from sandbox.stripe.running import StripeServer
from tests.hands import NOON, SetClock
from workers.gateway import StripeGateway
from workers.wiring import Tools


@pytest.fixture
def simulated(clock: SetClock) -> SimulatedStripe:
    return SimulatedStripe(lambda: int(clock().timestamp()), seed=11)


@pytest.fixture
def stripe_server(simulated: SimulatedStripe) -> Iterator[StripeServer]:
    with StripeServer(simulated) as running:
        yield running


@pytest.fixture
def tools(engine: Engine, redis: Redis, stripe_server: StripeServer, clock: SetClock) -> Tools:
    assert clock() == NOON
    key = stripe_server.stripe.platform_key(livemode=True)
    return Tools(engine, redis, StripeGateway(key, api_base=stripe_server.url), clock)
