"""Companies whose logs are blocked wait for each other, and delay nobody else."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Engine, text

from events.intake.envelope import event_from_stripe
from events.intake.group_append import NotDurableError
from events.intake.lanes import AppendLanes
from runtime.database import open_engine
from tests.support.company import company_with
from tests.support.databases import Databases
from tests.support.web.webhooks import bodies_of, invoice_event

LOCK_SECONDS = 0.05
BLOCKED = 2
EVENTS = 12


@pytest.fixture
def lanes(database_url: str, databases: Databases) -> Iterator[AppendLanes]:
    intake = databases.engine(
        "intake of the owner",
        lambda: open_engine(
            database_url, name="intake", pool_size=2, statement_timeout_ms=1500, lock_timeout_ms=50, autocommit=True
        ),
    )
    lanes = AppendLanes(intake, after_commit=lambda: None)
    yield lanes
    lanes.close()


def is_kept(lanes: AppendLanes, body: bytes) -> bool:
    try:
        return lanes.append(event_from_stripe(body)).is_new
    except NotDurableError:
        return False


def test_while_logs_are_blocked_other_companies_do_not_wait(lanes: AppendLanes, engine: Engine) -> None:
    unblocked = company_with(engine, "acct_well")
    blocked = [company_with(engine, f"acct_{number}") for number in range(BLOCKED)]
    is_over = Event()

    def send_blocked(number: int) -> None:
        while not is_over.is_set():
            assert not is_kept(lanes, invoice_event(account=f"acct_{number}"))

    with ThreadPoolExecutor(BLOCKED) as threads, engine.begin() as connection:
        connection.execute(
            text("SELECT FROM company_head WHERE company_id = ANY (:ids) FOR UPDATE"), {"ids": blocked}
        ).all()
        first_outcomes = list(threads.map(lambda n: is_kept(lanes, invoice_event(account=f"acct_{n}")), range(BLOCKED)))
        senders = [threads.submit(send_blocked, number) for number in range(BLOCKED)]
        started = time.monotonic()
        outcomes = [is_kept(lanes, invoice_event(account="acct_well")) for _ in range(EVENTS)]
        seconds = time.monotonic() - started
        is_over.set()
        for sender in senders:
            sender.result()

    assert first_outcomes == [False] * BLOCKED
    assert outcomes == [True] * EVENTS
    assert len(bodies_of(engine, unblocked)) == EVENTS
    assert seconds < EVENTS * LOCK_SECONDS / 2, "else each has waited for somebody else's lock"
    assert is_kept(lanes, invoice_event(account="acct_0"))


def tries_seen(engine: Engine) -> set[object]:
    """Return when each append began that waits for a lock now."""
    waiting = """
        SELECT query_start FROM pg_stat_activity WHERE application_name = 'revmap-intake' AND wait_event_type = 'Lock'
    """
    with engine.connect() as connection:
        return set(connection.scalars(text(waiting)))


def test_a_webhook_whose_companys_log_is_locked_for_a_moment_is_not_refused(lanes: AppendLanes, engine: Engine) -> None:
    company_with(engine, "acct_locked")
    tries: set[object] = set()
    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as connection:
            connection.execute(text("SELECT FROM company_head FOR UPDATE"))
            sent = threads.submit(is_kept, lanes, invoice_event(account="acct_locked"))
            deadline, pause = time.monotonic() + 40, Event()
            while len(tries) < 2 and time.monotonic() < deadline:
                tries |= tries_seen(engine)
                pause.wait(0.005)

        assert sent.result()
