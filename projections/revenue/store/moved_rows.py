"""Stream the stored rows that show a changed price or name: they may not fit into memory."""

from collections.abc import Iterator, Sequence
from typing import Any

from projections.revenue.build_state import BuildState
from projections.revenue.row import Row
from projections.revenue.store.bulk import columns_of_places
from runtime.database import Driver

_ROWS_AT_ONCE = 5000

_MOVED = f"""
    SELECT r.company_id, {", ".join(f"r.{name}" for name in Row._fields)}
    FROM unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])
        AS k (company_id, build, livemode, id)
    JOIN revenue_line r ON r.company_id = k.company_id AND r.build = k.build AND r.livemode = k.livemode
        AND r.{{column}} = k.id"""  # noqa: S608 - our own columns


def moved_rows(driver: Driver, build_states: Sequence[BuildState]) -> Iterator[tuple[BuildState, Row]]:
    """Yield the stored rows that show a changed price or name, without those of invoices in the state.

    The rows are read as they stood when this began, so they may be changed meanwhile.
    """
    begun = {build_state.company_id: build_state for build_state in build_states if build_state.is_begun}
    names = [(build_state, build_state.revenue.name_states) for build_state in begun.values()]
    prices = [(build_state, build_state.revenue.price_states) for build_state in begun.values()]
    for column, places in (("customer_id", names), ("price_id", prices)):
        for company_id, *fields in _stored(driver, _MOVED.format(column=column), columns_of_places(places)):
            row = Row(*fields)
            revenue = begun[company_id].revenue
            is_found_by_name = column == "price_id" and (row.livemode, row.customer_id) in revenue.name_states
            if (row.livemode, row.invoice_id) not in revenue.invoices and not is_found_by_name:
                yield begun[company_id], row


def _stored(driver: Driver, query: str, columns: dict[str, list[object]]) -> Iterator[tuple[Any, ...]]:
    if not columns["id"]:
        return
    # Mostly there are none, and a cursor takes more round trips.
    few = driver.execute(query + " LIMIT %(most)s", {**columns, "most": _ROWS_AT_ONCE}).fetchall()
    if len(few) < _ROWS_AT_ONCE:
        yield from few
        return
    with driver.cursor("moved_rows", scrollable=False) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        yield from cursor.execute(query, columns)
