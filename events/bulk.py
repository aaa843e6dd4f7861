"""Read a whole log as bytes, as quickly as PostgreSQL gives it: for folding it anew, and for copying it elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from events.payloads import decompressed

_COPY = """
    COPY (
        SELECT position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd FROM event
        WHERE company_id = {company_id:d} AND position > {after:d} AND position <= {through:d} ORDER BY position
    ) TO STDOUT (FORMAT BINARY)
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


def copy_events(connection: Connection, company_id: int, *, after: int, through: int) -> Iterator[BulkEvent]:
    """Give the events of (after, through] in order, streamed: memory does not grow with the log. Writes nothing."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    statement = _COPY.format(company_id=company_id, after=after, through=through)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for row in copy.rows():
            yield BulkEvent(*row)
