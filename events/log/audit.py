"""Verify the logs: no gaps, every body matches its hash, and every log has a head with its last event's position."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text
from zstandard import ZstdError

from events.log.read import RecordedEvent, stream_events
from events.log.tables import company_head, event_conflict, parked_event

_MOST_FAULTS = 10
# Looks up one event of each company, however many they have.
_WITHOUT_HEAD = text("""
    WITH RECURSIVE log AS (
        (SELECT company_id FROM event ORDER BY company_id LIMIT 1)
        UNION ALL
        SELECT next.company_id FROM log CROSS JOIN LATERAL (
            SELECT company_id FROM event WHERE event.company_id > log.company_id ORDER BY company_id LIMIT 1) next
    )
    SELECT company_id FROM log
    WHERE NOT EXISTS (SELECT FROM company_head h WHERE h.company_id = log.company_id) ORDER BY company_id
""")


class LogStatus(NamedTuple):
    """The size of a company's log, and when it last grew."""

    company_id: int
    events: int
    last_recorded_at: datetime | None


class LogVerdict(NamedTuple):
    """The result of verifying a company's log. Without faults, it is intact."""

    company_id: int
    events: int
    faults: list[str]


def log_status(connection: Connection) -> list[LogStatus]:
    """Return the status of every company's log, as its head records it."""
    rows = connection.execute(
        select(company_head.c.company_id, company_head.c.position, company_head.c.last_recorded_at).order_by(
            company_head.c.company_id
        )
    )
    return [LogStatus(*row) for row in rows]


def parked_count(connection: Connection) -> int:
    """Return how many events are parked until a company connects their account."""
    return connection.execute(select(func.count()).select_from(parked_event)).scalar_one()


def conflict_count(connection: Connection) -> int:
    """Return how many bodies contradict an event with the same id."""
    return connection.execute(select(func.count()).select_from(event_conflict)).scalar_one()


def verify_logs(connection: Connection) -> Iterator[LogVerdict]:
    """Yield a verdict on every company's log, one after the other, in constant memory. Reads every body.

    Run it in one REPEATABLE READ transaction, so that heads and events are from the same moment.
    """
    for status in log_status(connection):
        yield _verify(connection, status.company_id, head=status.events)
    for company_id in connection.scalars(_WITHOUT_HEAD).all():
        yield _verify(connection, company_id, head=None)


def _verify(connection: Connection, company_id: int, *, head: int | None) -> LogVerdict:
    faults: list[str] = []
    expected = 0
    for event in stream_events(connection, company_id):
        expected += 1
        if event.position != expected and len(faults) < _MOST_FAULTS:
            faults.append(f"position {expected} is missing: {event.position} follows")
            expected = event.position
        if not _is_intact(event) and len(faults) < _MOST_FAULTS:
            faults.append(f"the body at position {event.position} does not match its hash")
    if head is None:
        faults.append(f"the head is missing, the last position is {expected}")
    elif expected != head:
        faults.append(f"the head says {head} events, the last position is {expected}")
    return LogVerdict(company_id, expected, faults)


def _is_intact(event: RecordedEvent) -> bool:
    try:
        return sha256(event.payload).digest() == event.payload_sha256
    except ZstdError:
        return False
