"""Verify the logs: no gaps, every body matches its hash, and every head is the position of the last event."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from zstandard import ZstdError

from events.log.read import RecordedEvent, stream_events
from events.log.tables import company_head, event_conflict, parked_event

_MOST_FAULTS = 10


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
        yield _verify(connection, status)


def _verify(connection: Connection, status: LogStatus) -> LogVerdict:
    faults: list[str] = []
    expected = 0
    for event in stream_events(connection, status.company_id):
        expected += 1
        if event.position != expected and len(faults) < _MOST_FAULTS:
            faults.append(f"position {expected} is missing: {event.position} follows")
            expected = event.position
        if not _is_intact(event) and len(faults) < _MOST_FAULTS:
            faults.append(f"the body at position {event.position} does not match its hash")
    if expected != status.events:
        faults.append(f"the head says {status.events} events, the last position is {expected}")
    return LogVerdict(status.company_id, expected, faults)


def _is_intact(event: RecordedEvent) -> bool:
    try:
        return sha256(event.payload).digest() == event.payload_sha256
    except ZstdError:
        return False
