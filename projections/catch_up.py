"""Fold what is new into the table. Effect and checkpoint commit together, so every event counts exactly once.

Any number of workers may run this: the locked state row is the lease, and what one worker holds the others pass over.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from events.log import RecordedEvent, read_many
from events.observations import Observation, Unreadable
from events.stripe_words import FETCHED_FROM_STRIPE, observations_of
from projections.failures import Claim, record_failure
from projections.known import Change, Sighting
from projections.revenue_lines import NAME, Books
from projections.revenue_store import load_touched, save_touched
from projections.shelves import Volume

BATCH_SIZE = 1000
MOST_COMPANIES = 64

_MOST_BYTES_IN_HAND = 16_000_000

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
    SELECT s.company_id, s.build, s.position
    FROM projection_state s JOIN company_head h ON h.company_id = s.company_id
    WHERE s.projection = :projection AND s.status = 'live' AND s.position < h.position
      AND (s.retry_at IS NULL OR s.retry_at <= clock_timestamp())
    ORDER BY s.updated_at LIMIT :most FOR UPDATE OF s SKIP LOCKED
""")
_CHECKPOINT = text("""
    UPDATE projection_state s SET position = c.position, attempts = 0, retry_at = NULL, error = NULL,
        error_position = NULL, updated_at = clock_timestamp()
    FROM unnest(CAST(:company_id AS bigint[]), CAST(:build AS integer[]), CAST(:position AS bigint[]))
        AS c (company_id, build, position)
    WHERE s.projection = :projection AND s.build = c.build AND s.company_id = c.company_id
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


class Advanced(NamedTuple):
    """Companies whose tables were brought forward, and by how many events."""

    company_ids: list[int]
    event_count: int


def is_anybody_behind(connection: Connection) -> bool:
    """Tell whether any company's table lacks events that could be folded now."""
    return bool(connection.execute(_ANYBODY_BEHIND, {"projection": NAME}).scalar())


def enrol_newcomers(engine: Engine) -> None:
    """Give every company that has a log a checkpoint to start from. Commits; safe to repeat."""
    with engine.begin() as connection:
        connection.execute(_ENROL, {"projection": NAME})


def advance(engine: Engine, *, batch_size: int = BATCH_SIZE) -> Advanced | None:
    """Bring companies that are behind forward by one batch, many at once; None when nobody is behind. Commits.

    When a batch fails, one company is taken alone, then half of its events, and so on until the failing event stands
    alone: what comes before it is folded, the event is named in the company's state, and the company rests
    (2^attempts seconds) or halts. Other companies go on.
    """
    most, size = MOST_COMPANIES, batch_size
    while True:
        claims: list[Claim] = []
        try:
            with engine.begin() as connection:
                claims = _claimed(connection, most)
                return _advanced(connection, claims, size) if claims else None
        except (OperationalError, InterfaceError, psycopg.OperationalError):
            raise  # the database's trouble (under COPY as the driver tells it), and no fault of any event
        except Exception as error:
            if not claims:
                raise
            if len(claims) == 1 and size == 1:
                record_failure(engine, NAME, claims[0], error)
                return Advanced([claims[0].company_id], 0)
            most, size = 1, size if len(claims) > 1 else size // 2


def _claimed(connection: Connection, most: int) -> list[Claim]:
    return [Claim(*row) for row in connection.execute(_CLAIM, {"projection": NAME, "most": most})]


def _advanced(connection: Connection, claims: Sequence[Claim], size: int) -> Advanced:
    volumes = {claim.company_id: Volume(claim.company_id, claim.build, Books()) for claim in claims}
    starts = {claim.company_id: claim.position for claim in claims}
    events = _within_memory(read_many(connection, starts, limit_each=max(1, size // len(claims))))
    told = [(volumes[company_id], event, _read(event)) for company_id, event in events]
    load_touched(connection, ((volume, event.livemode, one) for volume, event, found in told for one in found))
    for volume, event, found in told:
        volume.books.apply(_sighting(event), event.entity, found)
    save_touched(connection, list(volumes.values()))
    reached = {company_id: event.position for company_id, event in events}
    at = {"company_id": list(reached), "build": [volumes[company_id].build for company_id in reached]}
    connection.execute(_CHECKPOINT, at | {"projection": NAME, "position": list(reached.values())})
    return Advanced(list(reached), len(events))


def _within_memory(events: list[tuple[int, RecordedEvent]]) -> list[tuple[int, RecordedEvent]]:
    # The rest is for the next batch: what is small at rest may be large in hand.
    in_hand = list(accumulate(event.payload_bytes for _, event in events))
    return events[: max(1, bisect_right(in_hand, _MOST_BYTES_IN_HAND))]


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
