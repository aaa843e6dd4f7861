"""Read what people and processes of ours did: the facts of our own in a company's log, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from events.log.payloads import decompressed

# The source is written out, so that the index of our own facts serves every plan.
_NEWEST = text("""
    SELECT position, type, entity, actor, recorded_at, payload_zstd FROM event
    WHERE company_id = :company_id AND source = 'revmap' AND position < :before
      AND split_part(type, '.', 1) = ANY (:families)
    ORDER BY position DESC LIMIT :limit
""")
_ABOVE_ALL_POSITIONS = 2**63 - 1


class Act(NamedTuple):
    """A fact of our own: who (`actor`) did what (`type`) to what (`entity`), and when. `payload` is JSON."""

    position: int
    type: str
    entity: str | None
    actor: str | None
    recorded_at: datetime
    payload: bytes


def list_acts(
    connection: Connection, company_id: int, *, families: Sequence[str], limit: int, before: int | None = None
) -> list[Act]:
    """Return the newest acts of these families, such as `access`, with positions below `before` if it is given."""
    parameters = {
        "company_id": company_id,
        "families": list(families),
        "limit": limit,
        "before": _ABOVE_ALL_POSITIONS if before is None else before,
    }
    return [
        Act(row.position, row.type, row.entity, row.actor, row.recorded_at, decompressed(row.payload_zstd))
        for row in connection.execute(_NEWEST, parameters)
    ]
