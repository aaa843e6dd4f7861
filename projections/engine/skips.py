"""Skip an event that cannot be folded or is forged: a last resort, recorded as a fact of the company's log."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from events.log.append import append
from events.log.own_facts import own_fact
from events.log.tables import event
from projections.facts.state_tables import projection_skip
from projections.registry import PROJECTIONS

SKIPPED = "projection.skipped"

_STUCK_AT = text("""
    SELECT error_position FROM projection_state
    WHERE projection = :projection AND company_id = :company_id AND error_position IS NOT NULL
      AND status IN ('live', 'halted', 'building')
    FOR UPDATE
""")
_GO_ON = text("""
    UPDATE projection_state s SET attempts = 0, retry_at = NULL, failing_since = NULL,
        status = CASE WHEN s.status <> 'halted' THEN s.status WHEN EXISTS (
            SELECT FROM projection_active a
            WHERE a.projection = s.projection AND a.company_id = s.company_id AND a.build = s.build
        ) THEN 'live' ELSE 'building' END
    WHERE s.projection = :projection AND s.company_id = :company_id AND s.error_position = :position
""")


class NotStuckThereError(Exception):
    """No build of the projection is stuck at that event, so there is no reason to skip it."""


class UnknownEventError(Exception):
    """There is no such event."""


class Skip(NamedTuple):
    """An event of a company's log that a projection skips."""

    projection: str
    company_id: int
    position: int


def skip_event(connection: Connection, skip: Skip, *, reason: str, now: datetime, actor: str) -> int:
    """Make a projection skip the event it is stuck at, in this build and all later ones. Commits nothing.

    Returns the position of the fact that records the skip.

    :raises NotStuckThereError: it is not stuck there
    """
    parameters = skip._asdict()
    if skip.position not in connection.execute(_STUCK_AT, parameters).scalars().all():
        raise NotStuckThereError(
            f"{skip.projection} of company {skip.company_id} is not stuck at position {skip.position}"
        )
    connection.execute(insert(projection_skip).values(**parameters))
    connection.execute(_GO_ON, parameters)
    details = {"projection": skip.projection, "position": skip.position, "reason": reason}
    fact = own_fact(SKIPPED, details, entity=f"projection:{skip.projection}", now=now, actor=actor)
    return append(connection, skip.company_id, [fact])[0].position


def skip_forged_event(
    connection: Connection, company_id: int, position: int, *, reason: str, now: datetime, actor: str
) -> int:
    """Make all projections skip an event that Stripe never sent, in later builds: a rebuild is needed. Commits nothing.

    Returns the position of the fact that records the skip; safe to repeat.

    :raises UnknownEventError: the company's log has no such event
    """
    of_log = (event.c.company_id == company_id, event.c.position == position)
    if connection.execute(select(event.c.position).where(*of_log)).one_or_none() is None:
        raise UnknownEventError(f"the log of company {company_id} has no position {position}")
    skips = [Skip(one.name, company_id, position)._asdict() for one in PROJECTIONS]
    connection.execute(insert_or_not(projection_skip).values(skips).on_conflict_do_nothing())
    details = {"position": position, "reason": reason}
    return append(connection, company_id, [own_fact(SKIPPED, details, entity=None, now=now, actor=actor)])[0].position
