"""Read facts as they were written, in the order of the log. Writes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, text

from events.log.payloads import decompressed
from events.log.tables import event

# Webhook events are mixed with the facts that syncs append: there is no need to look further back.
_LAST_OF_SOURCE = text("""
    SELECT recorded_at FROM event
    WHERE company_id = :company_id AND source = :source
      AND position > (SELECT position FROM company_head WHERE company_id = :company_id) - 2000
    ORDER BY position DESC LIMIT 1
""")
_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id")


class RecordedEvent(NamedTuple):
    """A fact as the log stores it. Instants are aware UTC; `payload_zstd` is the original bytes, compressed."""

    position: int
    type: str
    version: int
    entity: str | None
    source: str
    external_id: str
    account_id: str | None
    livemode: bool
    api_version: str | None
    occurred_at: datetime | None
    recorded_at: datetime
    correlation_id: UUID | None
    actor: str | None
    payload_zstd: bytes
    payload_sha256: bytes

    @property
    def payload(self) -> bytes:
        """Return the original bytes."""
        return decompressed(self.payload_zstd)


def read_events(connection: Connection, company_id: int, *, after: int, limit: int) -> list[RecordedEvent]:
    """Read up to `limit` events of a company with positions above `after`, in order.

    What is read is final: no event can appear later below a position that was read.
    """
    rows = connection.execute(
        select(*(event.c[name] for name in RecordedEvent._fields))
        .where(event.c.company_id == company_id, event.c.position > after)
        .order_by(event.c.position)
        .limit(limit)
    )
    return [RecordedEvent(*row) for row in rows]


def read_at(connection: Connection, company_id: int, positions: Sequence[int]) -> list[RecordedEvent]:
    """Read the events of a company at these positions, in order."""
    rows = connection.execute(
        select(*(event.c[name] for name in RecordedEvent._fields))
        .where(event.c.company_id == company_id, event.c.position.in_(positions))
        .order_by(event.c.position)
    )
    return [RecordedEvent(*row) for row in rows]


def read_about(
    connection: Connection,
    company_id: int,
    entity: str,
    *,
    after: int = 0,
    upto: int | None = None,
    page_size: int = 100,
) -> Iterator[RecordedEvent]:
    """Yield a company's events about an entity above the position `after` and up to `upto`, in order, read in pages."""
    until = [] if upto is None else [event.c.position <= upto]
    while True:
        rows = connection.execute(
            select(*(event.c[name] for name in RecordedEvent._fields))
            .where(event.c.entity == entity, event.c.company_id == company_id, event.c.position > after, *until)
            .order_by(event.c.position)
            .limit(page_size)
        ).all()
        yield from (RecordedEvent(*row) for row in rows)
        if len(rows) < page_size:
            return
        after = rows[-1].position


def find_newest(connection: Connection, company_id: int, entity: str) -> RecordedEvent | None:
    """Return a company's newest event about an entity, or None."""
    row = connection.execute(
        select(*(event.c[name] for name in RecordedEvent._fields))
        .where(event.c.entity == entity, event.c.company_id == company_id)
        .order_by(event.c.position.desc())
        .limit(1)
    ).one_or_none()
    return RecordedEvent(*row) if row else None


def find_event(connection: Connection, company_id: int, *, source: str, external_id: str) -> RecordedEvent | None:
    """Return the event that its source gave this id, or None."""
    row = connection.execute(
        select(*(event.c[name] for name in RecordedEvent._fields)).where(
            event.c.external_id == external_id, event.c.source == source, event.c.company_id == company_id
        )
    ).one_or_none()
    return RecordedEvent(*row) if row else None


def stream_events(connection: Connection, company_id: int, *, page_size: int = 500) -> Iterator[RecordedEvent]:
    """Yield a company's whole log in order, read in pages, so that memory does not grow with it."""
    after = 0
    while page := read_events(connection, company_id, after=after, limit=page_size):
        yield from page
        after = page[-1].position


def last_recorded_at(connection: Connection, company_id: int, *, source: str) -> datetime | None:
    """Return when the last event of a source was recorded; None when it is not among the last 2000 events."""
    at: datetime | None = connection.execute(_LAST_OF_SOURCE, {"company_id": company_id, "source": source}).scalar()
    return at


def head_of(connection: Connection, company_id: int) -> int:
    """Return the position of the last event in a company's log, 0 for an empty one."""
    return connection.execute(_HEAD, {"company_id": company_id}).scalar() or 0
