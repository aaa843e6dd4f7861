"""Fold facts into tables and move the checkpoint, as one step. The caller owns the transaction.

Effect and checkpoint commit together, and the state rows are locked from when their position is read until the commit:
so every event counts exactly once, whichever worker folds it.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, text

from projections.facts.facts import Fact, FactPage
from projections.registry import PROJECTIONS
from runtime.database import driver_of


class Claim(NamedTuple):
    """One company's build of a projection, locked for this transaction, and the head of the log if that is known."""

    projection: str
    company_id: int
    build: int
    position: int
    head: int = 0


_SKIPS = """
    SELECT projection, company_id, position FROM projection_skip WHERE company_id = ANY (%(company_ids)b::bigint[])
"""
# Few rows are looked up among many, but the statistics of tables that are being filled say otherwise.
_LOOK_UP = """
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
           set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('jit', 'off', true)
"""
_CHECKPOINT = text("""
    UPDATE projection_state s SET position = c.position, attempts = 0, retry_at = NULL, error = NULL,
        error_position = NULL, failing_since = CASE WHEN :stays_apart THEN s.failing_since END,
        updated_at = statement_timestamp()
    FROM unnest(CAST(:projection AS text[]), CAST(:company_id AS bigint[]), CAST(:build AS integer[]),
                CAST(:position AS bigint[])) AS c (projection, company_id, build, position)
    WHERE s.projection = c.projection AND s.build = c.build AND s.company_id = c.company_id
""")


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Disable garbage collection during a batch: it leaves no cycles, and searching for them costs a fifth."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def fold(
    connection: Connection,
    claims: Sequence[Claim],
    facts: Mapping[int, Sequence[Fact]],
    *,
    stays_apart: bool = False,
) -> set[int]:
    """Fold each company's facts into every claimed build, and move the checkpoints to the last fact. Commits nothing.

    Returns the companies whose tables then lack something that Stripe could tell. All claims of a company stand right
    before its first fact. `stays_apart`: an event that fails is near, so builds that are folded alone remain so.
    """
    driver = driver_of(connection)
    with driver.pipeline():
        driver.execute(_LOOK_UP)
        skipped = set(driver.execute(_SKIPS, {"company_ids": list(facts)}))
    lacking: set[int] = set()
    for projection in PROJECTIONS:
        pages = [
            FactPage(
                claim.company_id,
                claim.build,
                claim.position > 0,
                _without(skipped, claim, facts[claim.company_id]),
            )
            for claim in claims
            if claim.projection == projection.name
        ]
        if pages:
            lacking |= projection.fold(connection, pages)
    reached = {claim: facts[claim.company_id][-1].position for claim in claims}
    checkpoint(connection, reached, stays_apart=stays_apart)
    return lacking


def checkpoint(connection: Connection, reached: Mapping[Claim, int], *, stays_apart: bool = False) -> None:
    """Move claimed builds to these positions and clear their failures; `stays_apart` keeps them apart from others."""
    connection.execute(
        _CHECKPOINT,
        {
            "projection": [claim.projection for claim in reached],
            "company_id": [claim.company_id for claim in reached],
            "build": [claim.build for claim in reached],
            "position": list(reached.values()),
            "stays_apart": stays_apart,
        },
    )


def _without(skipped: set[tuple[object, ...]], claim: Claim, facts: Sequence[Fact]) -> Sequence[Fact]:
    if not skipped:
        return facts
    return [fact for fact in facts if (claim.projection, claim.company_id, fact.position) not in skipped]
