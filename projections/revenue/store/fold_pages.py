"""Fold pages of facts into the revenue tables of their builds: load, apply, derive rows, sums and facets, write."""

from collections.abc import Iterator, Sequence
from itertools import islice

from projections.facts.facts import FactPage, Folded
from projections.revenue.build_state import BuildState
from projections.revenue.facets import FacetChanges
from projections.revenue.fold import RevenueState
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_versions import changes_of, follow_stored
from projections.revenue.store.load_state import load_state
from projections.revenue.store.moved_rows import moved_rows
from projections.revenue.store.write_credit_notes import write_credit_notes
from projections.revenue.store.write_facets import write_facets
from projections.revenue.store.write_rows import Changed, write_rows
from projections.revenue.store.write_state import write_state
from projections.revenue.store.write_sums import LastChecksums, find_last_checksums, write_sums
from projections.revenue.sums import RowSums
from runtime.database import Driver

_ROWS_AT_ONCE = 5000


def fold_revenue(driver: Driver, pages: Sequence[FactPage]) -> Folded:
    """Fold the facts of every page into the page's build. Commits nothing.

    Anything else derived from facts is one more step here: derived from the state or from the row changes, and written
    with the rest.
    """
    builds = [BuildState(page.company_id, page.build, page.is_begun, RevenueState()) for page in pages]
    last_checksums = _load(driver, builds, pages)
    _apply(builds, pages)
    sums = {build.company_id: RowSums() for build in builds}
    facets = {build.company_id: FacetChanges() for build in builds}
    touched: set[int] = set()
    for moved in _derive_moved(driver, builds):
        touched |= _touched(moved)
        _derive_sums(sums, facets, moved)
        write_rows(driver, moved)
    changed = _derive_rows(builds)
    _derive_sums(sums, facets, changed)
    write_rows(driver, changed)
    write_credit_notes(driver, builds)
    write_state(driver, builds)
    write_sums(driver, [(build.company_id, build.build, sums[build.company_id]) for build in builds], last_checksums)
    write_facets(driver, [(build.company_id, build.build, facets[build.company_id]) for build in builds])
    lacking = {build.company_id for build, changes in changed if build.revenue.has_gaps or changes.has_unknown}
    quarantined = [
        (build.company_id, one.sighting.change.position, one.reason)
        for build in builds
        for one in build.revenue.quarantined
    ]
    return Folded(lacking, touched | _touched(changed), quarantined)


def _load(driver: Driver, builds: Sequence[BuildState], pages: Sequence[FactPage]) -> LastChecksums:
    facts = (((fact.sighting.livemode, fact.observations) for fact in page.facts) for page in pages)
    last_checksums = find_last_checksums(driver, builds)
    load_state(driver, list(zip(builds, facts, strict=True)))
    return last_checksums


def _apply(builds: Sequence[BuildState], pages: Sequence[FactPage]) -> None:
    for build, page in zip(builds, pages, strict=True):
        for fact in page.facts:
            if fact.observations:
                build.revenue.apply(fact.sighting, fact.entity, fact.observations)


def _derive_moved(driver: Driver, builds: Sequence[BuildState]) -> Iterator[list[Changed]]:
    # More stored rows may share a price or a customer than fit into memory: their changes are derived in portions.
    rows = moved_rows(driver, builds)
    while portion := list(islice(rows, _ROWS_AT_ONCE)):
        changed = {build.company_id: (build, RowChanges()) for build, _ in portion}
        for build, row in portion:
            follow_stored(changed[build.company_id][1], row, build.revenue)
        yield list(changed.values())


def _touched(changed: Sequence[Changed]) -> set[int]:
    return {build.company_id for build, changes in changed if changes.current or changes.ended}


def _derive_rows(builds: Sequence[BuildState]) -> list[Changed]:
    return [(build, changes_of(build.revenue)) for build in builds]


def _derive_sums(sums: dict[int, RowSums], facets: dict[int, FacetChanges], changed: Sequence[Changed]) -> None:
    for build, changes in changed:
        sums[build.company_id].add(changes)
        facets[build.company_id].add(changes)
