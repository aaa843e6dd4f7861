"""Fixtures: a company, a server that receives webhooks, and a desk that sends them in real time."""

from collections.abc import Iterator
from threading import Event

import pytest
from redis import Redis
from sqlalchemy import Engine

from runtime.clock import utc_now
from tests.support.company import company_with
from tests.support.endpoints import BOX
from tests.support.receiver import Receiver, receiver
from workers.notices.desk import Desk
from workers.notices.posting import Limits, Poster
from workers.notices.sending import Sender

QUICK = Limits(connect_seconds=2, request_seconds=0.5, body_seconds=0.1)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_zed")


@pytest.fixture
def desk(engine: Engine, redis: Redis) -> Iterator[Desk]:
    sender = Sender(engine, BOX, utc_now, Poster("any", QUICK))
    desk = Desk(redis, sender, None, "https://revmap.test", Event())
    yield desk
    desk.close()
