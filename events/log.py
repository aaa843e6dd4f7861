"""Append facts once, in order; read them back as they were written. Whoever calls owns the transaction and commits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from events.payloads import compressed, decompressed, original_size
from events.tables import event

_APPEND = """
    SELECT ord, at_position, was_inserted FROM append_events(
        %(company)b::bigint[], %(type)b::text[], %(version)b::smallint[], %(entity)b::text[], %(source)b::text[],
        %(external_id)b::text[], %(account_id)b::text[], %(livemode)b::boolean[], %(api_version)b::text[],
        %(occurred_at)b::timestamptz[], %(correlation_id)b::uuid[], %(actor)b::text[], %(payload_zstd)b::bytea[],
        %(sha256)b::bytea[], %(if_after)s::bigint, %(if_types)s::text[], %(if_entity)s::text) ORDER BY ord
"""
_CONDITION_FAILED = "EV409"
_MOST_BYTES_AT_ONCE = 8_000_000


_READ_MANY = text("""
    SELECT company_id, position, type, version, entity, source, external_id, account_id, livemode,
           api_version, occurred_at, recorded_at, correlation_id, actor, payload_zstd, payload_sha256
    FROM (
        SELECT e.*, c.place, sum(octet_length(e.payload_zstd)) OVER (ORDER BY c.place, e.position)
                             - octet_length(e.payload_zstd) AS bytes_before
        FROM unnest(CAST(:company_id AS bigint[]), CAST(:after AS bigint[]))
            WITH ORDINALITY AS c (company_id, after, place)
        CROSS JOIN LATERAL (
            SELECT * FROM event e WHERE e.company_id = c.company_id AND e.position > c.after
            ORDER BY e.position LIMIT :limit
        ) e
    ) r
    WHERE bytes_before < :most_bytes
    ORDER BY place, position
""")


class AppendConditionFailedError(Exception):
    """The log moved on since its reader decided: read again, decide again."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to append. `external_id` is its identity within company and source; `occurred_at` is aware UTC."""

    type: str
    source: str
    external_id: str
    payload: bytes
    livemode: bool
    occurred_at: datetime | None
    entity: str | None = None
    account_id: str | None = None
    api_version: str | None = None
    correlation_id: UUID | None = None
    actor: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """Append only if the company's log holds, after `after`, no event of these types about this entity."""

    after: int
    types: tuple[str, ...] | None = None
    entity: str | None = None


class Appended(NamedTuple):
    """Where an event stands in its company's log, and whether this append put it there."""

    position: int
    is_new: bool


class RecordedEvent(NamedTuple):
    """A fact as the log holds it. Instants are aware UTC; `payload_zstd` holds the bytes that came."""

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
        """Give the bytes that came."""
        return decompressed(self.payload_zstd)

    @property
    def payload_bytes(self) -> int:
        """Tell how many bytes came, without unpacking them."""
        return original_size(self.payload_zstd)


def append(
    connection: Connection, company_id: int, events: Sequence[NewEvent], *, condition: Condition | None = None
) -> list[Appended]:
    """Append events to one company's log, in the order given. Commits nothing; safe to repeat.

    Call it last in the transaction: the company's head stays locked until the commit.

    :raises AppendConditionFailedError: the condition does not hold; nothing was appended
    """
    parameters = columns_of(events) | {
        "company": [company_id] * len(events),
        "version": [new.version for new in events],
        "source": [new.source for new in events],
        "actor": [new.actor for new in events],
        "if_after": condition and condition.after,
        "if_types": condition and condition.types and list(condition.types),
        "if_entity": condition and condition.entity,
    }
    try:
        rows = connection.exec_driver_sql(_APPEND, parameters).all()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _CONDITION_FAILED:
            raise AppendConditionFailedError(str(error.orig)) from error
        raise
    return [Appended(row.at_position, row.was_inserted) for row in rows]


def columns_of(events: Sequence[NewEvent]) -> dict[str, object]:
    """Turn events into the parallel arrays that the append functions take."""
    return {
        "type": [new.type for new in events],
        "entity": [new.entity for new in events],
        "external_id": [new.external_id for new in events],
        "account_id": [new.account_id for new in events],
        "livemode": [new.livemode for new in events],
        "api_version": [new.api_version for new in events],
        "occurred_at": [new.occurred_at for new in events],
        "correlation_id": [new.correlation_id for new in events],
        "payload_zstd": [compressed(new.payload) for new in events],
        "sha256": [sha256(new.payload).digest() for new in events],
    }


def read_events(connection: Connection, company_id: int, *, after: int, limit: int) -> list[RecordedEvent]:
    """Read up to `limit` events of a company with positions above `after`, in order.

    What is read is a prefix of what will ever stand there: no lower position can appear later.
    """
    rows = connection.execute(
        select(*(event.c[name] for name in RecordedEvent._fields))
        .where(event.c.company_id == company_id, event.c.position > after)
        .order_by(event.c.position)
        .limit(limit)
    )
    return [RecordedEvent(*row) for row in rows]


def read_many(connection: Connection, after: Mapping[int, int], *, limit_each: int) -> list[tuple[int, RecordedEvent]]:
    """Read on in several companies' logs at once: of each up to `limit_each` events above its position in `after`.

    Gives pairs of company id and event, company by company as they are given, each one's in order; at least one event,
    and no more after 8 MB of payloads at rest.
    """
    rows = connection.execute(
        _READ_MANY,
        {
            "company_id": list(after),
            "after": list(after.values()),
            "limit": limit_each,
            "most_bytes": _MOST_BYTES_AT_ONCE,
        },
    )
    return [(row[0], RecordedEvent(*row[1:])) for row in rows]


def stream_events(connection: Connection, company_id: int, *, page_size: int = 500) -> Iterator[RecordedEvent]:
    """Read a company's whole log in order, in pages, so that memory does not grow with it."""
    after = 0
    while page := read_events(connection, company_id, after=after, limit=page_size):
        yield from page
        after = page[-1].position
