"""Prove that the log is what was appended: gapless, every body with its hash, every head where its events end."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from zstandard import ZstdError

from events.log.read import RecordedEvent, stream_events
from events.log.tables import company_head, event_conflict, parked_event

_MOST_NAMED = 10


class LogStatus(NamedTuple):
    """How much a company's log holds."""

    company_id: int
    events: int
    last_recorded_at: datetime | None


class LogVerdict(NamedTuple):
    """What a company's log was found to be. No faults: it is whole."""

    company_id: int
    events: int
    faults: list[str]


def log_status(connection: Connection) -> list[LogStatus]:
    """Give every company's log, by its head."""
    rows = connection.execute(
        select(company_head.c.company_id, company_head.c.position, company_head.c.last_recorded_at).order_by(
            company_head.c.company_id
        )
    )
    return [LogStatus(*row) for row in rows]


def parked_count(connection: Connection) -> int:
    """Give how many events wait for somebody to connect their account."""
    return connection.execute(select(func.count()).select_from(parked_event)).scalar_one()


def conflict_count(connection: Connection) -> int:
    """Give how many bodies contradict an event of the same id."""
    return connection.execute(select(func.count()).select_from(event_conflict)).scalar_one()


def verify_logs(connection: Connection) -> Iterator[LogVerdict]:
    """Check every company's log, one after the other, in constant memory. Reads every body.

    Run it in one REPEATABLE READ transaction: heads and events are then of one moment.
    """
    for status in log_status(connection):
        yield _verify(connection, status)


def _verify(connection: Connection, status: LogStatus) -> LogVerdict:
    faults: list[str] = []
    expected = 0
    for event in stream_events(connection, status.company_id):
        expected += 1
        if event.position != expected and len(faults) < _MOST_NAMED:
            faults.append(f"position {expected} is missing: {event.position} follows")
            expected = event.position
        if not _is_whole(event) and len(faults) < _MOST_NAMED:
            faults.append(f"the body at position {event.position} does not match its hash")
    if expected != status.events:
        faults.append(f"the head says {status.events} events, the last position is {expected}")
    return LogVerdict(status.company_id, expected, faults)


def _is_whole(event: RecordedEvent) -> bool:
    try:
        return sha256(event.payload).digest() == event.payload_sha256
    except ZstdError:
        return False
