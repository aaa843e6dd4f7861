"""Prove that the log is what was appended: gapless, every body with its hash, every head where its events end."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from events.tables import company_head, event_conflict, parked_event


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


_VERIFY = text("""
    SELECT count(*) AS events, coalesce(min(position), 1) AS first, coalesce(max(position), 0) AS last,
           count(*) FILTER (WHERE sha256(payload) <> payload_sha256) AS altered,
           (array_agg(position ORDER BY position) FILTER (WHERE sha256(payload) <> payload_sha256))[1:10] AS positions
    FROM event WHERE company_id = :company_id
""")


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
    """Check every company's log, one after the other. Reads every body."""
    for status in log_status(connection):
        found = connection.execute(_VERIFY, {"company_id": status.company_id}).one()
        faults = []
        if found.events != status.events or found.last != status.events or found.first != 1:
            faults.append(
                f"the head says {status.events} events; there are {found.events}, from {found.first} to {found.last}"
            )
        if found.altered:
            faults.append(f"{found.altered} bodies do not match their hash, first at positions {found.positions}")
        yield LogVerdict(status.company_id, found.events, faults)
