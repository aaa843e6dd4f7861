"""What all tests of connecting share: a simulated Stripe behind the web process, and a company to connect."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.wiring.tools import Tools
from tenants.companies import add_company
from tests.support.clock import SetClock
from tests.support.web.stripe_page import ConnectSetup


@pytest.fixture
def setup(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[ConnectSetup]:
    with ConnectSetup.running(web_tools, engine, clock) as running:
        yield running


@pytest.fixture
def company_id(engine: Engine) -> int:
    with engine.begin() as connection:
        return add_company(connection, "Acme Samples").id
