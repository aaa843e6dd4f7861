"""Read several companies' logs in bulk, as fast as PostgreSQL sends them, to fold them."""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import NamedTuple

from events.log.payloads import decompressed, original_size
from runtime.database import Driver

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
    """An event's position is not the one after that of the event before it."""


class BulkEvent(NamedTuple):
    """The parts of an event that a fold needs. Instants are aware UTC."""

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
        """Return the original bytes."""
        return decompressed(self.payload_zstd)

    @property
    def payload_bytes(self) -> int:
        """Return the number of original bytes, without decompressing them."""
        return original_size(self.payload_zstd)


def read_on(driver: Driver, after: Mapping[int, int], most: Mapping[int, int]) -> Generator[tuple[int, BulkEvent]]:
    """Yield each company's next events, with the company: in order, up to `most` above its position in `after`.

    Streamed in batches, and only for as long as the caller iterates.

    :raises GapInLogError: the log is damaged
    """
    reached = dict(after)
    parameters = {"company_id": list(most), "after": [after[one] for one in most], "most": list(most.values())}
    # A few events are read at once: a cursor on the server takes more round trips.
    are_few = sum(most.values()) <= _ROWS_AT_ONCE
    with driver.cursor(binary=True) if are_few else driver.cursor("read_on", binary=True, scrollable=False) as cursor:
        cursor.execute(_READ_ON, parameters)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            for row in rows:
                company_id, event = row[0], BulkEvent._make(row[1:])
                if event.position != reached[company_id] + 1:
                    raise GapInLogError(f"company {company_id}: {event.position} follows {reached[company_id]}")
                reached[company_id] = event.position
                yield company_id, event
