"""Stream the stored rows that show a changed price or a changed name: they may not fit into memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.row import Row
from projections.revenue.state import Key
from projections.revenue.store.bulk import AT_PLACES, PLACE, Place, places_of
from runtime.database import Driver
from runtime.json_rows import as_rows

_ROWS_AT_ONCE = 5000
# What a row shows that may change without its invoice.
_COLUMNS = ("customer_id", "price_id", "product_id")

# Of a table that was never analyzed, PostgreSQL knows only its size. The mode is compared in a way that no index
# serves, so that none seems as good as the one that has the column; a plan made while the table is small is not kept.
_MOVED = f"""
    SELECT r.company_id, {", ".join(f"r.{name}" for name in Row._fields)}
    FROM {AT_PLACES}
    JOIN revenue_line r ON r.company_id = k.company_id AND r.build = k.build AND r.{{column}} = k.id
        AND r.livemode IS NOT DISTINCT FROM k.livemode"""  # noqa: S608 - our own columns


def moved_rows(driver: Driver, build_states: Sequence[BuildState]) -> Iterator[tuple[BuildState, Row]]:
    """Yield the stored rows that show a changed price or a changed name, without those of invoices in the state.

    The rows are read as they stood when this began, so they may be changed meanwhile.
    """
    begun = {build_state.company_id: build_state for build_state in build_states if build_state.is_begun}
    for place, column in enumerate(_COLUMNS):
        moved = [(build_state, _moved(build_state.revenue)[place]) for build_state in begun.values()]
        for company_id, *fields in _stored(driver, _MOVED.format(column=column), places_of(moved)):
            row = Row(*fields)
            revenue = begun[company_id].revenue
            earlier = zip(_COLUMNS[:place], _moved(revenue), strict=False)
            is_found = any((row.livemode, getattr(row, other)) in states for other, states in earlier)
            if (row.livemode, row.invoice_id) not in revenue.invoices and not is_found:
                yield begun[company_id], row


def _moved(revenue: RevenueState) -> tuple[Mapping[Key, object], ...]:
    return revenue.name_states, revenue.price_states, revenue.product_states


def _stored(driver: Driver, query: str, places: Sequence[Place]) -> Iterator[tuple[Any, ...]]:
    if not places:
        return
    parameters = as_rows(PLACE, places)
    # Mostly there are none, and a cursor takes more round trips. Planned anew each time: see `_MOVED`.
    few = driver.execute(f"{query} LIMIT {_ROWS_AT_ONCE}", parameters, prepare=False).fetchall()
    if len(few) < _ROWS_AT_ONCE:
        yield from few
        return
    # A cursor declared in SQL may be part of a pipeline, which psycopg's may not; it takes no parameters.
    driver.execute("DECLARE moved_rows CURSOR FOR " + psycopg.ClientCursor(driver).mogrify(query, parameters))
    while rows := driver.execute(f"FETCH {_ROWS_AT_ONCE} FROM moved_rows").fetchall():
        yield from rows
    driver.execute("CLOSE moved_rows")
