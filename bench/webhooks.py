"""Signed webhooks of fifty companies, sent to the product or to a floor, and the wait until tables have them all."""

import time
from threading import Event

from sqlalchemy import Engine, text

from bench.payloads import invoice_event, signed_request
from bench.stage import WEBHOOK_SECRET
from events.connection.accounts import Account, authorize
from migrations.run import upgrade
from runtime.clock import utc_now
from sandbox.load import Outcome, send_as_fast_as_answered
from tenants.companies import add_company

_COMPANIES = 50


class Numbers:
    """A source of numbers for events that have not been sent before."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> range:
        """Return the next numbers, so many of them."""
        self._next += count
        return range(self._next - count, self._next)


def prepare(engine: Engine) -> None:
    """Migrate the database, and create the companies and the tables of the floors. Commits."""
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE floor_event (id text PRIMARY KEY, payload bytea NOT NULL)"))
        connection.execute(text(_FLOOR_ROW))
    add_companies(engine)


def add_companies(engine: Engine) -> None:
    """Create the companies. Commits."""
    with engine.begin() as connection:
        for number in range(_COMPANIES):
            company = add_company(connection, f"Company {number}")
            authorize(connection, company.id, Account(_account(number), livemode=True), now=utc_now(), actor="bench")


_FLOOR_ROW = """
    CREATE TABLE floor_row (id text PRIMARY KEY, customer_id text NOT NULL, status text NOT NULL,
                            currency text NOT NULL, amount bigint NOT NULL, created bigint NOT NULL)
"""


def _account(number: int) -> str:
    return f"acct_bench{number % _COMPANIES}"


def signed_requests(numbers: range) -> list[bytes]:
    """Return a whole HTTP request for each number, signed now, its company chosen by the number."""
    at = int(time.time())
    bodies = (invoice_event(number, account_id=_account(number), created=at) for number in numbers)
    return [signed_request(body, secret=WEBHOOK_SECRET, at=at) for body in bodies]


def send_all(port: int, requests: list[bytes], connections: int) -> Outcome:
    """Send requests as fast as they are answered; each must be answered with 200."""
    outcome = send_as_fast_as_answered(port, requests, connections=connections)
    assert outcome.statuses == {200: len(requests)}, outcome.statuses
    return outcome


def await_caught_up(engine: Engine, *, every_seconds: float = 0.05) -> None:
    """Return once every company's table has all events of its log.

    :raises TimeoutError: that took more than five minutes
    """
    deadline = time.monotonic() + 300
    pause = Event()
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            behind = connection.execute(text(_BEHIND)).scalar_one()
        if not behind:
            return
        pause.wait(every_seconds)
    raise TimeoutError("the projections did not catch up")


_BEHIND = """
    SELECT count(*) FROM company_head h LEFT JOIN projection_state s ON s.company_id = h.company_id
    WHERE h.position > coalesce(s.position, 0)
"""
