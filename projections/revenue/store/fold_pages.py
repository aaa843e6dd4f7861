"""Fold pages of facts into the revenue tables of their builds: load, apply, derive rows, sums and facets, write."""

from collections.abc import Sequence

from projections.facts.facts import FactPage, Folded
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.row_versions import Changes, changes_of
from projections.revenue.store.batch_sums import BatchSums
from projections.revenue.store.load_state import load_state
from projections.revenue.store.moved_invoices import moved_invoices
from projections.revenue.store.write_credit_notes import write_credit_notes
from projections.revenue.store.write_parts import write_parts
from projections.revenue.store.write_rows import write_rows
from projections.revenue.store.write_state import write_state
from projections.revenue.store.write_sums import LastChecksums, find_last_checksums
from runtime.database import Driver


def fold_revenue(driver: Driver, pages: Sequence[FactPage]) -> Folded:
    """Fold the facts of every page into the page's build. Commits nothing.

    Anything else derived from facts is one more step here: derived from the state or from the row changes, and written
    with the rest.
    """
    builds = [BuildState(page.company_id, page.build, page.is_begun, RevenueState()) for page in pages]
    last_checksums = _load(driver, builds, pages)
    _apply(builds, pages)
    sums = BatchSums(builds)
    touched: set[int] = set()
    for portion in moved_invoices(driver, builds):
        touched |= _write(driver, sums, [(build, changes_of(build.revenue)) for build in portion])
    changed = [(build, changes_of(build.revenue)) for build in builds]
    touched |= _write(driver, sums, changed)
    write_credit_notes(driver, builds)
    write_state(driver, builds)
    sums.write(driver, last_checksums)
    lacking = {build.company_id for build, changes in changed if build.revenue.has_gaps or changes.rows.has_unknown}
    quarantined = [
        (build.company_id, one.sighting.change.position, one.reason)
        for build in builds
        for one in build.revenue.quarantined
    ]
    return Folded(lacking, touched, quarantined)


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


def _write(driver: Driver, sums: BatchSums, changed: Sequence[tuple[BuildState, Changes]]) -> set[int]:
    """Write row and part changes, add them to the sums, and return the companies whose rows changed."""
    for build, changes in changed:
        sums.add(build.company_id, changes.rows, changes.parts)
    write_rows(driver, [(build, changes.rows) for build, changes in changed])
    write_parts(driver, [(build, changes.parts) for build, changes in changed])
    return {build.company_id for build, changes in changed if changes.rows.current or changes.rows.ended}
