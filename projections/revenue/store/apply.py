"""Fold facts into the revenue mapping table, its past, its sums by month and its checksum. Commits nothing."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection

from projections.facts.facts import FactPage
from projections.revenue.fold import RevenueState
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_versions import changes_of, follow_stored
from projections.revenue.store.bulk import BuildState
from projections.revenue.store.row_store import LineWriter, moved_rows
from projections.revenue.store.state_store import load_touched, save_touched
from projections.revenue.store.sums_store import add_to_checksums, add_to_days, add_to_months
from projections.revenue.sums import RowSums

_ROWS_AT_ONCE = 5000


def fold_revenue(connection: Connection, pages: Sequence[FactPage]) -> None:
    """Bring every page's build forward by its facts."""
    build_states = [BuildState(page.company_id, page.build, page.is_begun, RevenueState()) for page in pages]
    told = list(zip(build_states, pages, strict=True))
    load_touched(
        connection,
        [
            (build_state, ((fact.sighting.livemode, fact.observations) for fact in page.facts))
            for build_state, page in told
        ],
    )
    for build_state, page in told:
        for fact in page.facts:
            if fact.observations:
                build_state.revenue.apply(fact.sighting, fact.entity, fact.observations)
    sums: dict[int, RowSums] = defaultdict(RowSums)
    _write_moved(connection, build_states, sums)
    writer = LineWriter()
    for build_state in build_states:
        writer.add(build_state, changes_of(build_state.revenue), sums[build_state.company_id])
    writer.write(connection)
    save_touched(connection, build_states)
    entries = [
        (build_state.company_id, build_state.build, sums[build_state.company_id]) for build_state in build_states
    ]
    add_to_checksums(connection, entries)
    add_to_days(connection, entries)
    add_to_months(connection, entries)


def _write_moved(connection: Connection, build_states: Sequence[BuildState], sums: dict[int, RowSums]) -> None:
    # A price or a customer may stand in more rows than fit into memory: they are carried along a part at a time.
    writer = LineWriter()
    counted = enumerate(moved_rows(connection, build_states))
    for _, part in groupby(counted, key=lambda one: one[0] // _ROWS_AT_ONCE):
        for _, (build_state, row) in part:
            changes = RowChanges()
            follow_stored(changes, row, build_state.revenue)
            writer.add(build_state, changes, sums[build_state.company_id])
        writer.write(connection)
