"""Fold a log again into a build that nobody reads yet, and flip to it.

Any number of workers may do so at once. Each chunk of a log commits with its position: if a worker dies, another
continues from there. The state row is locked while its chunk is folded, so that no two workers fold the same build.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from notices.announcements import Moved, announce_changes
from projections.builds.builds import lock_for_flip, make_live
from projections.engine.batches import Batch, fold_batch
from projections.engine.folding import Claim, fold, set_for_folding
from projections.facts.facts import read_facts
from projections.registry import versions
from runtime.database import Driver, raw_driver

CHUNK_EVENTS = 16_000
# Statements cost more than the few events of a small company: several share a chunk, and leave some to other workers.
_MOST_BUILDS = 64

# The company's appends wait while these last events are folded, so there must be few.
_MOST_TAIL_EVENTS = 250

_CLAIM = """
    WITH first AS (
        SELECT s.company_id, s.position, h.position - s.position AS lacking FROM projection_state s
        JOIN company_head h ON h.company_id = s.company_id
        JOIN unnest(%(names)b::text[], %(versions)b::integer[]) AS p (name, version)
            ON s.projection = p.name AND s.version = p.version
        WHERE s.status = 'building' AND s.is_automatic = %(is_automatic)s
          AND (%(company_ids)s::bigint[] IS NULL OR s.company_id = ANY (%(company_ids)s::bigint[]))
          AND (s.retry_at IS NULL OR s.retry_at <= statement_timestamp())
        ORDER BY h.position - s.position DESC, s.company_id LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
    ), hindmost AS (
        SELECT DISTINCT ON (company_id) company_id, position, lacking FROM first ORDER BY company_id, position
    )
    SELECT s.projection, s.company_id, s.build, s.position, s.position + f.lacking AS head,
           true AS has_skips, s.failing_since IS NOT NULL AS is_failing
    FROM projection_state s JOIN hindmost f ON s.company_id = f.company_id AND s.position = f.position
    JOIN unnest(%(names)b::text[], %(versions)b::integer[]) AS p (name, version)
        ON s.projection = p.name AND s.version = p.version
    WHERE s.status = 'building' AND s.is_automatic = %(is_automatic)s
      AND (s.retry_at IS NULL OR s.retry_at <= statement_timestamp())
    ORDER BY f.lacking DESC, s.company_id, s.projection FOR UPDATE OF s SKIP LOCKED
"""
_LIVE = text("""
    SELECT s.position FROM projection_active a
    JOIN projection_state s ON s.projection = a.projection AND s.company_id = a.company_id AND s.build = a.build
    WHERE a.projection = :projection AND a.company_id = :company_id
""")
_POSITION = text("""
    SELECT position FROM projection_state
    WHERE projection = :projection AND company_id = :company_id AND build = :build FOR UPDATE
""")
_READY = """
    UPDATE projection_state SET status = 'ready', updated_at = statement_timestamp()
    WHERE projection = %(projection)s AND company_id = %(company_id)s AND build = %(build)s
"""
# Who is told of a flip finds it after a crash of the server, too.
_WAIT = text("SET LOCAL synchronous_commit = on")


class Chunk(NamedTuple):
    """Builds that were folded together, by how many events, and which of them reached the end of their logs."""

    claims: list[Claim]
    event_count: int
    finished: list[Claim]

    @property
    def lacking(self) -> set[int]:
        """Return the companies whose tables may lack something that Stripe could tell: any of them."""
        return {claim.company_id for claim in self.claims}


def build_on(
    engine: Engine, *, is_automatic: bool, company_ids: Sequence[int] | None = None, chunk_events: int = CHUNK_EVENTS
) -> Chunk | None:
    """Fold a chunk into the build that is furthest behind, or into several small ones; None if there is none. Commits.

    A build that reaches the end of its log is flipped to if it is automatic, else it becomes ready. If an event cannot
    be folded, readers keep the live build.

    :raises sqlalchemy.exc.DBAPIError: the connection was lost
    """
    batch = Batch(
        claim=partial(_claimed, is_automatic=is_automatic, company_ids=company_ids),
        fold=partial(_built, is_automatic=is_automatic),
        failed=lambda claims: Chunk(claims, 0, []),
    )
    chunk = fold_batch(engine, batch, size=chunk_events)
    for claim in chunk.finished if chunk and is_automatic else ():
        flip(engine, claim)
    return chunk


def _built(
    driver: Driver,
    claims: list[Claim],
    size: int,
    stays_apart: bool,  # noqa: FBT001 - as `Batch` calls it
    *,
    is_automatic: bool,
) -> Chunk:
    chunk = _fold_chunk(driver, claims, size, stays_apart=stays_apart)
    for claim in chunk.finished if not is_automatic else ():
        driver.execute(_READY, claim._asdict())
    return chunk


def flip(engine: Engine, claim: Claim) -> Claim:
    """Fold a build to the end of its log and make it live; return it at its new position. Commits.

    The last few events are folded while the company's head is locked, so that readers never see their table go back.
    """
    while True:
        with engine.begin() as connection:
            found = lock_for_flip(connection, claim)
            if found is None:
                return claim
            held, head = found
            if head - held.position <= _MOST_TAIL_EVENTS:
                with raw_driver(connection) as driver:
                    set_for_folding(driver)
                    _fold_through(driver, [held], {held.company_id: head})
                connection.execute(_WAIT)
                _tell(connection, held, head)
                make_live(connection, held)
                return held._replace(position=head)
        fold_to(engine, claim, head)


def _tell(connection: Connection, held: Claim, head: int) -> None:
    # What the table lacked that is replaced here was never announced.
    live = connection.execute(_LIVE, held._asdict()).scalar()
    if live is not None and live < head:
        with raw_driver(connection) as driver:
            announce_changes(driver, [Moved(held.company_id, live, head)])


def fold_to(engine: Engine, claim: Claim, position: int) -> int:
    """Fold a build that nobody reads up to a position; return where it stands, which may be further. Commits."""
    while True:
        with engine.begin() as connection:
            held = _locked(connection, claim)
            if held.position >= position:
                return held.position
            with raw_driver(connection) as driver:
                set_for_folding(driver)
                _fold_through(driver, [held], {held.company_id: min(position, held.position + CHUNK_EVENTS)})


def _locked(connection: Connection, claim: Claim) -> Claim:
    return claim._replace(position=connection.execute(_POSITION, claim._asdict()).scalar_one())


def _claimed(driver: Driver, size: int, *, is_automatic: bool, company_ids: Sequence[int] | None) -> list[Claim]:
    parameters = versions() | {"is_automatic": is_automatic, "company_ids": company_ids and list(company_ids)}
    rows = driver.execute(_CLAIM, parameters | {"most": 1}).fetchall()
    if rows and rows[0][-1]:
        return [Claim(*rows[0][:-1])]
    # No build is further behind than the first, so this many fit into the chunk.
    fitting = min(_MOST_BUILDS, size // max(1, rows[0][4] - rows[0][3])) if rows else 0
    if fitting > 1:
        rows = driver.execute(_CLAIM, parameters | {"most": fitting}).fetchall()
    return [Claim(*row[:-1]) for row in rows if not row[-1]]


def _fold_chunk(driver: Driver, claims: Sequence[Claim], size: int, *, stays_apart: bool) -> Chunk:
    starts = {claim.company_id: claim.position for claim in claims}
    heads = {claim.company_id: claim.head for claim in claims}
    through = {one: min(heads[one], starts[one] + size) for one in starts}
    reached = _fold_through(driver, claims, through, stays_apart=stays_apart)
    finished = [claim for claim in claims if reached[claim.company_id] == heads[claim.company_id]]
    return Chunk(list(claims), sum(reached.values()) - sum(starts.values()), finished)


def _fold_through(
    driver: Driver, claims: Sequence[Claim], through: Mapping[int, int], *, stays_apart: bool = False
) -> dict[int, int]:
    reached = {claim.company_id: claim.position for claim in claims}
    while behind := {one: end - reached[one] for one, end in through.items() if end > reached[one]}:
        facts = read_facts(driver, {one: reached[one] for one in behind}, behind)
        turn = [claim._replace(position=reached[claim.company_id]) for claim in claims if claim.company_id in facts]
        fold(driver, turn, facts, stays_apart=stays_apart)
        reached |= {company_id: folded[-1].position for company_id, folded in facts.items()}
    return reached
