"""Fold what is new into the table. Effect and checkpoint commit together, so every event counts exactly once.

Any number of workers may run this: the locked state row is the lease, and what one worker holds the others pass over.
"""

import logging
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from events.log import RecordedEvent, read_events
from events.observations import Observation, Unreadable
from events.stripe_words import FETCHED_FROM_STRIPE, observations_of
from projections.revenue_lines import NAME, Change, Sighting
from projections.revenue_store import Shelf, load_touched, save_touched

BATCH_SIZE = 1000
ATTEMPTS_BEFORE_HALT = 8

_log = logging.getLogger(__name__)

_ENROL = text("""
    WITH newcomer AS (
        INSERT INTO projection_state (projection, build, company_id)
        SELECT :projection, 1, h.company_id FROM company_head h
        WHERE NOT EXISTS (SELECT FROM projection_active a
                          WHERE a.projection = :projection AND a.company_id = h.company_id)
        ON CONFLICT DO NOTHING RETURNING company_id
    )
    INSERT INTO projection_active (projection, company_id, build) SELECT :projection, company_id, 1 FROM newcomer
    ON CONFLICT DO NOTHING
""")
_CLAIM = text("""
    SELECT s.company_id, s.build, s.position, s.attempts
    FROM projection_state s JOIN company_head h ON h.company_id = s.company_id
    WHERE s.projection = :projection AND s.status = 'live' AND s.position < h.position
      AND (s.retry_at IS NULL OR s.retry_at <= clock_timestamp())
    ORDER BY s.updated_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED
""")
_CHECKPOINT = text("""
    UPDATE projection_state SET position = :position, attempts = 0, retry_at = NULL, error = NULL,
        error_position = NULL, updated_at = clock_timestamp()
    WHERE projection = :projection AND build = :build AND company_id = :company_id
""")
_FAILED = text("""
    UPDATE projection_state SET attempts = attempts + 1, error = :error, error_position = :error_position,
        status = CASE WHEN attempts + 1 >= :halt_after THEN 'halted' ELSE status END,
        retry_at = clock_timestamp() + make_interval(secs => power(2, attempts) * (0.75 + random() / 2)),
        updated_at = clock_timestamp()
    WHERE projection = :projection AND build = :build AND company_id = :company_id AND position = :position
    RETURNING status
""")
_ANYBODY_BEHIND = text("""
    SELECT EXISTS (
        SELECT FROM company_head h
        LEFT JOIN projection_active a ON a.projection = :projection AND a.company_id = h.company_id
        LEFT JOIN projection_state s
            ON s.projection = :projection AND s.company_id = h.company_id AND s.build = a.build
        WHERE h.position > coalesce(s.position, 0) AND coalesce(s.status, 'live') = 'live'
          AND (s.retry_at IS NULL OR s.retry_at <= clock_timestamp()))
""")


class PoisonEventError(Exception):
    """Applying a batch failed for a reason that lies in its events or in our reading of them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One company's projection, locked for this transaction."""

    company_id: int
    build: int
    position: int
    attempts: int


class Advanced(NamedTuple):
    """A company whose table was brought forward to `position`."""

    company_id: int
    build: int
    position: int
    event_count: int


def is_anybody_behind(connection: Connection) -> bool:
    """Tell whether any company's table lacks events that could be folded now."""
    return bool(connection.execute(_ANYBODY_BEHIND, {"projection": NAME}).scalar())


def enrol_newcomers(engine: Engine) -> None:
    """Give every company that has a log a checkpoint to start from. Commits; safe to repeat."""
    with engine.begin() as connection:
        connection.execute(_ENROL, {"projection": NAME})


def advance(engine: Engine, *, batch_size: int = BATCH_SIZE) -> Advanced | None:
    """Bring one company that is behind forward by one batch; None when nobody is. Commits.

    When a batch fails it is halved until the failing event stands alone: what comes before it is folded, the event is
    named in the company's state, and the company rests (2^attempts seconds) or halts. Other companies go on.
    """
    size = batch_size
    while True:
        claim: Claim | None = None
        try:
            with engine.begin() as connection:
                claim = _claimed(connection)
                if claim is None:
                    return None
                return _advanced(connection, claim, size)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if claim is None:
                raise
            if size > 1:
                size //= 2
                continue
            _record_failure(engine, claim, error)
            return Advanced(claim.company_id, claim.build, claim.position, 0)


def _claimed(connection: Connection) -> Claim | None:
    row = connection.execute(_CLAIM, {"projection": NAME}).one_or_none()
    return Claim(row.company_id, row.build, row.position, row.attempts) if row else None


def _advanced(connection: Connection, claim: Claim, size: int) -> Advanced:
    events = read_events(connection, claim.company_id, after=claim.position, limit=size)
    shelf = Shelf(connection, claim.company_id, claim.build)
    told = [(event, _read(event)) for event in events]
    books = load_touched(shelf, ((event.livemode, one) for event, observations in told for one in observations))
    for event, observations in told:
        books.apply(_sighting(event), event.entity, observations)
    save_touched(shelf, books)
    position = events[-1].position
    connection.execute(
        _CHECKPOINT,
        {"projection": NAME, "build": claim.build, "company_id": claim.company_id, "position": position},
    )
    return Advanced(claim.company_id, claim.build, position, len(events))


def _read(event: RecordedEvent) -> list[Observation]:
    observations = observations_of(event.type, event.entity, event.payload)
    if observations and event.occurred_at is None:
        return [Unreadable("the event does not say when it happened")]
    return observations


def _sighting(event: RecordedEvent) -> Sighting:
    return Sighting(
        Change(event.position, event.recorded_at),
        event.livemode,
        int(event.occurred_at.timestamp()) if event.occurred_at else 0,
        event.source == FETCHED_FROM_STRIPE,
    )


def _record_failure(engine: Engine, claim: Claim, error: Exception) -> None:
    with engine.begin() as connection:
        status = connection.execute(
            _FAILED,
            {
                "projection": NAME,
                "build": claim.build,
                "company_id": claim.company_id,
                "position": claim.position,
                "error": f"{type(error).__name__}: {error}"[:2000],
                "error_position": claim.position + 1,
                "halt_after": ATTEMPTS_BEFORE_HALT,
            },
        ).scalar()
    _log.error(
        "projection failed",
        extra={"company_id": claim.company_id, "position": claim.position + 1, "status": status},
        exc_info=error,
    )
