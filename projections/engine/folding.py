"""Fold facts into tables and move the checkpoint, as one step. The caller owns the transaction.

Effect and checkpoint commit together, and the state rows are locked from when their position is read until the commit:
so every event counts exactly once, whichever worker folds it.
"""

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from projections.facts.facts import Fact, FactPage, Folded
from projections.registry import PROJECTIONS
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of


class Claim(NamedTuple):
    """One company's build of a projection, locked for this transaction.

    `head`: the last position of the log, if known; `has_skips`: whether events of the log may have to be skipped;
    `is_listening`: whether the company wants webhooks about changed lines.
    """

    projection: str
    company_id: int
    build: int
    position: int
    head: int = 0
    has_skips: bool = True
    is_listening: bool = False


_SKIPS = f"""
    SELECT s.projection, s.company_id, s.position
    FROM {rows_of("company_id bigint")} JOIN projection_skip s ON s.company_id = k.company_id
"""  # noqa: S608 - our own words
# Few rows are looked up among many, but the statistics of tables that are being filled say otherwise. Planning takes
# longer than most of these statements, and their plans do not depend on the values. What a crash of the server loses is
# folded again.
_SETTINGS = """
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
           set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
           set_config('jit', 'off', true), set_config('synchronous_commit', 'off', true)
"""
_REACHED = ("projection", "company_id", "build", "position")
_CHECKPOINT = f"""
    UPDATE projection_state s SET position = k.position, attempts = 0, retry_at = NULL, error = NULL,
        error_position = NULL, failing_since = CASE WHEN %(stays_apart)s THEN s.failing_since END,
        updated_at = statement_timestamp()
    FROM {rows_of("projection text, company_id bigint, build integer, position bigint")}
    WHERE s.projection = k.projection AND s.build = k.build AND s.company_id = k.company_id
"""  # noqa: S608 - our own words


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


def set_for_folding(driver: Driver) -> None:
    """Set up the current transaction for folding: how its statements are planned, and that its commit need not wait."""
    driver.execute(_SETTINGS)


def fold(
    driver: Driver,
    claims: Sequence[Claim],
    facts: Mapping[int, Sequence[Fact]],
    *,
    stays_apart: bool = False,
) -> Folded:
    """Fold each company's facts into every claimed build, and move the checkpoints to the last fact. Commits nothing.

    All claims of a company stand right before its first fact. `stays_apart`: an event that fails is near, so builds
    that are folded alone remain so.
    """
    with_skips = {claim.company_id for claim in claims if claim.has_skips}
    skipped = set(driver.execute(_SKIPS, as_rows(("company_id",), ([one] for one in with_skips)))) if with_skips else ()
    folded = Folded(set(), set(), [])
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
            lacking, changed, quarantined = projection.fold(driver, pages)
            folded.lacking.update(lacking)
            folded.changed.update(changed)
            folded.quarantined.extend(quarantined)
    reached = {claim: facts[claim.company_id][-1].position for claim in claims}
    checkpoint(driver, reached, stays_apart=stays_apart)
    return folded


def checkpoint(driver: Driver, reached: Mapping[Claim, int], *, stays_apart: bool = False) -> None:
    """Move claimed builds to these positions and clear their failures; `stays_apart` keeps them apart from others."""
    rows = ((claim.projection, claim.company_id, claim.build, position) for claim, position in reached.items())
    driver.execute(_CHECKPOINT, {**as_rows(_REACHED, rows), "stays_apart": stays_apart})


def _without(skipped: Collection[tuple[object, ...]], claim: Claim, facts: Sequence[Fact]) -> Sequence[Fact]:
    if not skipped:
        return facts
    return [fact for fact in facts if (claim.projection, claim.company_id, fact.position) not in skipped]
