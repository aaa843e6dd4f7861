"""Fold pages of facts into the revenue tables of their builds: load, apply, derive rows, derive sums, write."""

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection

from projections.facts.facts import FactPage
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_versions import changes_of, follow_stored
from projections.revenue.store.load_state import load_state
from projections.revenue.store.moved_rows import moved_rows
from projections.revenue.store.write_rows import Changed, write_rows
from projections.revenue.store.write_state import write_state
from projections.revenue.store.write_sums import write_sums
from projections.revenue.sums import RowSums

_ROWS_AT_ONCE = 5000


def fold_revenue(connection: Connection, pages: Sequence[FactPage]) -> None:
    """Fold the facts of every page into the page's build. Commits nothing.

    Anything else derived from facts is one more step here: derived from the state or from the row changes, and written
    with the rest.
    """
    builds = [BuildState(page.company_id, page.build, page.is_begun, RevenueState()) for page in pages]
    _load(connection, builds, pages)
    _apply(builds, pages)
    sums = {build.company_id: RowSums() for build in builds}
    for changed in _derive_rows(connection, builds):
        _derive_sums(sums, changed)
        write_rows(connection, changed)
    write_state(connection, builds)
    write_sums(connection, [(build.company_id, build.build, sums[build.company_id]) for build in builds])


def _load(connection: Connection, builds: Sequence[BuildState], pages: Sequence[FactPage]) -> None:
    facts = (((fact.sighting.livemode, fact.observations) for fact in page.facts) for page in pages)
    load_state(connection, list(zip(builds, facts, strict=True)))


def _apply(builds: Sequence[BuildState], pages: Sequence[FactPage]) -> None:
    for build, page in zip(builds, pages, strict=True):
        for fact in page.facts:
            if fact.observations:
                build.revenue.apply(fact.sighting, fact.entity, fact.observations)


def _derive_rows(connection: Connection, builds: Sequence[BuildState]) -> Iterator[list[Changed]]:
    # More stored rows may share a price or a customer than fit into memory: their changes are derived in portions.
    rows = moved_rows(connection, builds)
    while portion := list(islice(rows, _ROWS_AT_ONCE)):
        changed = {build.company_id: (build, RowChanges()) for build, _ in portion}
        for build, row in portion:
            follow_stored(changed[build.company_id][1], row, build.revenue)
        yield list(changed.values())
    yield [(build, changes_of(build.revenue)) for build in builds]


def _derive_sums(sums: dict[int, RowSums], changed: Sequence[Changed]) -> None:
    for build, changes in changed:
        sums[build.company_id].add(changes)
