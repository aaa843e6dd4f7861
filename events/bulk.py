"""Read a whole log as bytes, as quickly as PostgreSQL gives it: for folding it anew, and for copying it elsewhere."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from events.payloads import decompressed, original_size

_MOST_BYTES_AT_ONCE = 8_000_000

_COPY = """
    COPY (
        SELECT position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd FROM event
        WHERE company_id = {company_id:d} AND position > {after:d} AND position <= {through:d} ORDER BY position
    ) TO STDOUT (FORMAT BINARY)
"""
_READ_PART = """
    SELECT position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd FROM event
    WHERE company_id = %(company_id)s AND position > %(after)s AND position <= %(through)s ORDER BY position
"""
_READ_MANY = """
    SELECT company_id, position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd
    FROM (
        SELECT e.*, c.place, sum(octet_length(e.payload_zstd)) OVER (ORDER BY c.place, e.position)
                             - octet_length(e.payload_zstd) AS bytes_before
        FROM unnest(%(company_id)b::bigint[], %(after)b::bigint[])
            WITH ORDINALITY AS c (company_id, after, place)
        CROSS JOIN LATERAL (
            SELECT company_id, position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd
            FROM event e WHERE e.company_id = c.company_id AND e.position > c.after
            ORDER BY e.position LIMIT %(limit)s
        ) e
    ) r
    WHERE bytes_before < %(most_bytes)s
    ORDER BY place, position
"""
_TYPES = ("int8", "text", "text", "text", "bool", "timestamptz", "timestamptz", "bytea")


class BulkEvent(NamedTuple):
    """What a fold needs of an event. Instants are aware UTC."""

    position: int
    type: str
    entity: str | None
    source: str
    livemode: bool
    occurred_at: datetime | None
    recorded_at: datetime
    payload_zstd: bytes

    @property
    def payload(self) -> bytes:
        """Give the bytes that came."""
        return decompressed(self.payload_zstd)

    @property
    def payload_bytes(self) -> int:
        """Tell how many bytes came, without unpacking them."""
        return original_size(self.payload_zstd)


def copy_events(connection: Connection, company_id: int, *, after: int, through: int) -> Iterator[BulkEvent]:
    """Give the events of (after, through] in order, streamed: memory does not grow with the log. Writes nothing."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    statement = _COPY.format(company_id=company_id, after=after, through=through)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for row in copy.rows():
            yield BulkEvent(*row)


def read_part(connection: Connection, company_id: int, *, after: int, through: int) -> list[BulkEvent]:
    """Read the events of (after, through] in order, all at once: the quickest way as long as they fit into memory."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor(binary=True) as cursor:
        rows = cursor.execute(_READ_PART, {"company_id": company_id, "after": after, "through": through}).fetchall()
    return [BulkEvent(*row) for row in rows]


def read_many(connection: Connection, after: Mapping[int, int], *, limit_each: int) -> list[tuple[int, BulkEvent]]:
    """Read on in several companies' logs at once: of each up to `limit_each` events above its position in `after`.

    Gives pairs of company id and event, company by company as they are given, each one's in order; at least one event,
    and no more after 8 MB of payloads at rest.
    """
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    asked = {
        "company_id": list(after),
        "after": list(after.values()),
        "limit": limit_each,
        "most_bytes": _MOST_BYTES_AT_ONCE,
    }
    with driver.cursor(binary=True) as cursor:
        rows = cursor.execute(_READ_MANY, asked)
        return [(company_id, BulkEvent(*event)) for company_id, *event in rows]
