"""Fold pages of facts into the revenue tables of their builds: load, apply, derive rows, sums and facets, write."""

from collections.abc import Mapping, Sequence

from projections.facts.facts import Fact, FactPage, Folded
from projections.revenue.build_state import BuildState
from projections.revenue.decisions import cut_at_decisions
from projections.revenue.fold import RevenueState
from projections.revenue.row_versions import Changes, changes_of
from projections.revenue.store.batch_sums import BatchSums
from projections.revenue.store.find_builds import LastChecksums, builds_of, find_builds
from projections.revenue.store.load_state import load_state
from projections.revenue.store.mapping.mapping_store import (
    NO_BOOK,
    StoredBook,
    find_books,
    load_books,
    load_line_overrides,
)
from projections.revenue.store.mapping.remap import remap
from projections.revenue.store.moved_invoices import moved_invoices
from projections.revenue.store.parts.write_parts import write_parts
from projections.revenue.store.write_credit_notes import write_credit_notes
from projections.revenue.store.write_rows import write_rows
from projections.revenue.store.write_state import write_state
from runtime.database import Driver


def fold_revenue(driver: Driver, pages: Sequence[FactPage]) -> Folded:
    """Fold the facts of every page into the page's build. Commits nothing.

    A fact about the mapping or the policy changes parts of lines that no other fact of the page is about. So pages are
    cut at such facts.
    """
    folded = Folded(set(), set(), [])
    for stretch, decisions in cut_at_decisions(pages):
        if stretch:
            lacking, changed, quarantined = _fold_stretch(driver, stretch)
            folded.lacking.update(lacking)
            folded.changed.update(changed)
            folded.quarantined.extend(quarantined)
        for page, fact in decisions:
            _fold_decision(driver, page, fact)
    return folded


def _fold_stretch(driver: Driver, pages: Sequence[FactPage]) -> Folded:
    """Fold facts about invoices and what they refer to.

    Anything else derived from them is one more step here: derived from the state or from the row changes, and written
    with the rest.
    """
    builds = [BuildState(page.company_id, page.build, page.is_begun, RevenueState()) for page in pages]
    last_checksums, books = _load(driver, builds, pages)
    _apply(builds, pages)
    sums = BatchSums(builds)
    touched: set[int] = set()
    for portion in moved_invoices(driver, builds):
        touched |= _write(driver, sums, _derive(driver, portion, books))
    changed = _derive(driver, builds, books)
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


def _fold_decision(driver: Driver, page: FactPage, fact: Fact) -> None:
    """Fold a fact about the mapping or the policy into a build."""
    at = BuildState(page.company_id, page.build, is_begun=True, revenue=RevenueState())
    stored = load_books(find_books(driver, [at]), [at]).get(page.company_id, NO_BOOK)
    sums = BatchSums([at])
    remap(driver, at, stored, fact, sums)
    sums.write_recognized(driver)


def _load(
    driver: Driver, builds: Sequence[BuildState], pages: Sequence[FactPage]
) -> tuple[LastChecksums, dict[int, StoredBook]]:
    facts = (((fact.sighting.livemode, fact.observations) for fact in page.facts) for page in pages)
    sent = find_builds(driver, builds)
    load_state(driver, list(zip(builds, facts, strict=True)))
    found = builds_of(sent)
    return found.last_checksums, load_books(found.books, builds)


def _apply(builds: Sequence[BuildState], pages: Sequence[FactPage]) -> None:
    for build, page in zip(builds, pages, strict=True):
        for fact in page.facts:
            if fact.observations:
                build.revenue.apply(fact.sighting, fact.entity, fact.observations)


def _derive(
    driver: Driver, builds: Sequence[BuildState], books: Mapping[int, StoredBook]
) -> list[tuple[BuildState, Changes]]:
    load_line_overrides(driver, [build for build in builds if books.get(build.company_id, NO_BOOK).has_line_overrides])
    return [(build, changes_of(build.revenue)) for build in builds]


def _write(driver: Driver, sums: BatchSums, changed: Sequence[tuple[BuildState, Changes]]) -> set[int]:
    """Write row and part changes, add them to the sums, and return the companies whose rows changed."""
    for build, changes in changed:
        sums.add(build.company_id, changes.rows, changes.parts)
    write_rows(driver, [(build, changes.rows) for build, changes in changed])
    write_parts(driver, [(build, changes.parts) for build, changes in changed])
    return {build.company_id for build, changes in changed if changes.rows.current or changes.rows.ended}
