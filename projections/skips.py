"""Pass over an event that cannot be folded: a last resort, and a fact of the company's log like any other."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, insert, text

from events.log import NewEvent, append
from projections.state_tables import projection_skip

SKIPPED = "projection.skipped"

_STUCK_AT = text("""
    SELECT error_position FROM projection_state
    WHERE projection = :projection AND company_id = :company_id AND error_position IS NOT NULL
      AND status IN ('live', 'halted', 'building')
    FOR UPDATE
""")
_GO_ON = text("""
    UPDATE projection_state s SET attempts = 0, retry_at = NULL,
        status = CASE WHEN s.status <> 'halted' THEN s.status WHEN EXISTS (
            SELECT FROM projection_active a
            WHERE a.projection = s.projection AND a.company_id = s.company_id AND a.build = s.build
        ) THEN 'live' ELSE 'building' END
    WHERE s.projection = :projection AND s.company_id = :company_id AND s.error_position = :position
""")


class NotStuckThereError(Exception):
    """No build of the projection is stuck at that event, so there is no reason to skip it."""


class Skip(NamedTuple):
    """Which event of a company's log a projection passes over."""

    projection: str
    company_id: int
    position: int


def skip_event(connection: Connection, skip: Skip, *, reason: str, now: datetime, actor: str) -> int:
    """Have a projection pass over the event it is stuck at, in this build and all later ones. Commits nothing.

    Gives the position of the fact that says so.

    :raises NotStuckThereError: it is not stuck there
    """
    asked = skip._asdict()
    if skip.position not in connection.execute(_STUCK_AT, asked).scalars().all():
        raise NotStuckThereError(
            f"{skip.projection} of company {skip.company_id} is not stuck at position {skip.position}"
        )
    connection.execute(insert(projection_skip).values(**asked))
    connection.execute(_GO_ON, asked)
    fact = NewEvent(
        type=SKIPPED,
        source="revmap",
        external_id=str(uuid4()),
        payload=json.dumps({"projection": skip.projection, "position": skip.position, "reason": reason}).encode(),
        livemode=True,
        occurred_at=now,
        entity=f"projection:{skip.projection}",
        actor=actor,
    )
    return append(connection, skip.company_id, [fact])[0].position
