"""Fold a log anew into a build that nobody reads yet, and flip to it. Any number of workers may do so at once.

Each chunk of a log commits with its position: who dies is overtaken from there. A state row is held while its chunk is
folded, so that no two workers fold one company's build.
"""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from projections.builds import lock_for_flip, make_live
from projections.facts import read_facts
from projections.failures import record_failure
from projections.folding import Claim, fold, without_garbage_collection
from projections.registry import versions

CHUNK_EVENTS = 16_000

# While the rest is folded, the company's appends wait: it must be done in a moment.
_MOST_TAIL_EVENTS = 250

_CLAIM = text("""
    WITH first AS (
        SELECT s.company_id, s.position FROM projection_state s
        JOIN company_head h ON h.company_id = s.company_id
        JOIN unnest(CAST(:names AS text[]), CAST(:versions AS integer[])) AS p (name, version)
            ON s.projection = p.name AND s.version = p.version
        WHERE s.status = 'building' AND s.is_automatic = :is_automatic
          AND (CAST(:company_ids AS bigint[]) IS NULL OR s.company_id = ANY (:company_ids))
          AND (s.retry_at IS NULL OR s.retry_at <= clock_timestamp())
        ORDER BY h.position - s.position DESC, s.company_id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
    )
    SELECT s.projection, s.company_id, s.build, s.position
    FROM projection_state s JOIN first f ON s.company_id = f.company_id AND s.position = f.position
    JOIN unnest(CAST(:names AS text[]), CAST(:versions AS integer[])) AS p (name, version)
        ON s.projection = p.name AND s.version = p.version
    WHERE s.status = 'building' AND s.is_automatic = :is_automatic
    ORDER BY s.projection FOR UPDATE OF s SKIP LOCKED
""")
_HEAD = text("SELECT position FROM company_head WHERE company_id = :company_id")
_POSITION = text("""
    SELECT position FROM projection_state
    WHERE projection = :projection AND company_id = :company_id AND build = :build FOR UPDATE
""")
_READY = text("""
    UPDATE projection_state SET status = 'ready', updated_at = clock_timestamp()
    WHERE projection = :projection AND company_id = :company_id AND build = :build
""")
# What is lost with the server's last moments is folded again.
_NEED_NOT_WAIT = text("SET LOCAL synchronous_commit = off")


class Chunk(NamedTuple):
    """Builds of one company that were brought forward together, and by how many events."""

    claims: list[Claim]
    event_count: int
    is_at_end: bool

    @property
    def company_ids(self) -> list[int]:
        """Name the company, as often as it has claims."""
        return [claim.company_id for claim in self.claims]


def build_on(
    engine: Engine, *, is_automatic: bool, company_ids: Sequence[int] | None = None, chunk_events: int = CHUNK_EVENTS
) -> Chunk | None:
    """Bring the build that lacks most forward by a chunk; None when there is none to work on. Commits.

    A build that reaches the end of its log is flipped to when it is automatic, else it is ready. An event that cannot
    be folded is named in the build's state; the build rests or halts, and readers keep the live one.
    """
    size, is_alone = chunk_events, False
    while True:
        claims: list[Claim] = []
        chunk: Chunk | None = None
        try:
            with without_garbage_collection(), engine.begin() as connection:
                claims = _claimed(connection, is_automatic=is_automatic, company_ids=company_ids)
                claims = claims[:1] if is_alone else claims
                chunk = _built(connection, claims, size, is_automatic=is_automatic) if claims else None
            break
        except (OperationalError, InterfaceError, psycopg.OperationalError):
            raise  # the database's trouble, and no fault of any event
        except Exception as error:
            if not claims:
                raise
            if size == 1 and is_alone:
                record_failure(engine, claims[0], error)
                return Chunk(claims, 0, is_at_end=False)
            size, is_alone = max(1, size // 2), True
    for claim in chunk.claims if chunk and chunk.is_at_end and is_automatic else ():
        flip(engine, claim)
    return chunk


def _built(connection: Connection, claims: list[Claim], size: int, *, is_automatic: bool) -> Chunk:
    connection.execute(_NEED_NOT_WAIT)
    chunk = _fold_chunk(connection, claims, size)
    for claim in claims if chunk.is_at_end and not is_automatic else ():
        connection.execute(_READY, claim._asdict())
    return chunk


def flip(engine: Engine, claim: Claim) -> Claim:
    """Bring a build to the end of its log and put it in the live one's place; give it as it then stands. Commits.

    The last few events are folded while the company's head is held, so that readers never see their table go back.
    """
    while True:
        with engine.begin() as connection:
            found = lock_for_flip(connection, claim)
            if found is None:
                return claim
            held, head = found
            if head - held.position <= _MOST_TAIL_EVENTS:
                _fold_through(connection, [held], head)
                make_live(connection, held)
                return held._replace(position=head)
        fold_to(engine, claim, head)


def fold_to(engine: Engine, claim: Claim, position: int) -> int:
    """Bring a build that nobody reads forward to a position; give where it stands, which may be beyond. Commits."""
    while True:
        with engine.begin() as connection:
            connection.execute(_NEED_NOT_WAIT)
            held = _locked(connection, claim)
            if held.position >= position:
                return held.position
            _fold_through(connection, [held], min(position, held.position + CHUNK_EVENTS))


def _locked(connection: Connection, claim: Claim) -> Claim:
    return claim._replace(position=connection.execute(_POSITION, claim._asdict()).scalar_one())


def _claimed(connection: Connection, *, is_automatic: bool, company_ids: Sequence[int] | None) -> list[Claim]:
    asked = versions() | {"is_automatic": is_automatic, "company_ids": company_ids and list(company_ids)}
    return [Claim(*row) for row in connection.execute(_CLAIM, asked)]


def _fold_chunk(connection: Connection, claims: Sequence[Claim], size: int) -> Chunk:
    head = connection.execute(_HEAD, {"company_id": claims[0].company_id}).scalar_one()
    start = claims[0].position
    reached = _fold_through(connection, claims, min(head, start + size))
    return Chunk(list(claims), reached - start, is_at_end=reached == head)


def _fold_through(connection: Connection, claims: Sequence[Claim], through: int) -> int:
    company_id, position = claims[0].company_id, claims[0].position
    while position < through:
        facts = read_facts(connection, {company_id: position}, {company_id: through - position})
        fold(connection, [claim._replace(position=position) for claim in claims], facts)
        position = facts[company_id][-1].event.position
    return position
