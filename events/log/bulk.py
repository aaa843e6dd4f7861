"""Read a whole log as bytes, as quickly as PostgreSQL gives it: for folding it, and for copying it elsewhere."""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from events.log.payloads import decompressed, original_size
from runtime.database import driver_of

_READ_ON = """
    SELECT e.company_id, position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd
    FROM unnest(%(company_id)b::bigint[], %(after)b::bigint[], %(most)b::bigint[]) AS c (company_id, after, most)
    CROSS JOIN LATERAL (
        SELECT company_id, position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd
        FROM event WHERE event.company_id = c.company_id AND position > c.after ORDER BY position LIMIT c.most
    ) e
"""
_ROWS_AT_ONCE = 1000


class GapInLogError(Exception):
    """An event does not have the position after that of the one before it."""


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


def read_on(
    connection: Connection, after: Mapping[int, int], most: Mapping[int, int]
) -> Generator[tuple[int, BulkEvent]]:
    """Read on in several companies' logs: of each, in order, up to so many events above its position in `after`.

    Streamed, in a few bites, as long as its reader wants to go on. Gives each event with its company.

    :raises GapInLogError: the log is damaged
    """
    driver = driver_of(connection)
    reached = dict(after)
    asked = {"company_id": list(most), "after": [after[one] for one in most], "most": list(most.values())}
    with driver.cursor("read_on", binary=True, scrollable=False) as cursor:
        cursor.execute(_READ_ON, asked)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            for row in rows:
                company_id, event = row[0], BulkEvent._make(row[1:])
                if event.position != reached[company_id] + 1:
                    raise GapInLogError(f"company {company_id}: {event.position} follows {reached[company_id]}")
                reached[company_id] = event.position
                yield company_id, event
