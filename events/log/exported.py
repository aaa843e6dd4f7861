"""Give a company's log to whom it belongs, with bodies exactly as received."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from events.log.payloads import decompressed
from events.log.read import stream_events
from events.log.tables import event_conflict


def exported_events(connection: Connection, company_id: int) -> Iterator[dict[str, object]]:
    """Yield a company's whole log, oldest event first, in constant memory."""
    for event in stream_events(connection, company_id):
        yield {
            "company_id": company_id,
            **{name: value for name, value in event._asdict().items() if name != "payload_zstd"},
            "payload": event.payload.decode(),
            "payload_sha256": event.payload_sha256.hex(),
        }


def exported_conflicts(connection: Connection, company_id: int) -> Iterator[dict[str, object]]:
    """Yield the bodies that contradicted events of a company's log, in constant memory."""
    query = (
        select(event_conflict)
        .where(event_conflict.c.company_id == company_id)
        .order_by(event_conflict.c.position, event_conflict.c.payload_sha256)
    )
    for row in connection.execute(query.execution_options(yield_per=100)):
        yield {
            "company_id": company_id,
            "position": row.position,
            "received_at": row.received_at,
            "payload": decompressed(row.payload_zstd).decode(),
            "payload_sha256": row.payload_sha256.hex(),
        }
