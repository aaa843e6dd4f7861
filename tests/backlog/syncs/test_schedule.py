"""The schedule holds the companies that are connected, and finds those that were lost from it."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from backlog.syncs.schedule import audit_schedule, request_due_syncs
from events.connection.lifecycle import disconnect, pause, resume
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.payloads import ACCOUNT

DAY_SECONDS = 86_400


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def sweep(engine: Engine, *, days: int = 0) -> int:
    return request_due_syncs(engine, now=NOON + timedelta(days=days), period_seconds=DAY_SECONDS)


def scheduled(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT company_id FROM sync_schedule")))


def test_a_company_is_scheduled_once_it_is_connected(engine: Engine, company_id: int) -> None:
    requested = [sweep(engine), sweep(engine)]

    assert (requested, scheduled(engine)) == ([1, 0], [company_id])


def test_what_is_disconnected_when_it_is_due_leaves_the_schedule(engine: Engine, company_id: int) -> None:
    sweep(engine)
    with engine.begin() as connection:
        disconnect(connection, company_id, actor="tests", now=NOON)

    requested = sweep(engine, days=2)

    assert (requested, scheduled(engine)) == (0, [])


def test_a_pause_that_ends_before_the_next_sync_is_due_changes_nothing(engine: Engine, company_id: int) -> None:
    sweep(engine)
    with engine.begin() as connection:
        pause(connection, company_id, actor="tests", now=NOON)
    with engine.begin() as connection:
        resume(connection, company_id, actor="tests", now=NOON)

    assert sweep(engine) == 0
    assert scheduled(engine) == [company_id]


def test_a_company_lost_from_the_schedule_is_found_by_the_audit(engine: Engine, company_id: int) -> None:
    sweep(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM sync_schedule"))
        connection.execute(text("UPDATE sync_run SET status = 'succeeded', phase = 'finished', finished_at = now()"))
    overlooked = sweep(engine, days=2)

    last = audit_schedule(engine, 0)

    assert (overlooked, last, sweep(engine, days=2)) == (0, 0, 1)
