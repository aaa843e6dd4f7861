"""Stream the stored rows that show a changed price or name: they may not fit into memory."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from projections.revenue.build_state import BuildState
from projections.revenue.row import Row
from projections.revenue.store.bulk import Places, columns_of_places
from runtime.database import driver_of

_ROWS_AT_ONCE = 5000

_MOVED = f"""
    SELECT r.company_id, {", ".join(f"r.{name}" for name in Row._fields)}
    FROM unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])
        AS k (company_id, build, livemode, id)
    JOIN revenue_line r ON r.company_id = k.company_id AND r.build = k.build AND r.livemode = k.livemode
        AND r.{{column}} = k.id
"""  # noqa: S608 - our own columns


def moved_rows(connection: Connection, build_states: Sequence[BuildState]) -> Iterator[tuple[BuildState, Row]]:
    """Yield the stored rows that show a changed price or name, without those of invoices in the state.

    The cursor reads rows as they stood when it was opened, so they may be changed meanwhile.
    """
    begun = {build_state.company_id: build_state for build_state in build_states if build_state.is_begun}
    names = [(build_state, build_state.revenue.name_states) for build_state in begun.values()]
    prices = [(build_state, build_state.revenue.price_states) for build_state in begun.values()]
    for column, places in (("customer_id", names), ("price_id", prices)):
        for company_id, row in _stored(connection, column, places):
            revenue = begun[company_id].revenue
            is_found_by_name = column == "price_id" and (row.livemode, row.customer_id) in revenue.name_states
            if (row.livemode, row.invoice_id) not in revenue.invoices and not is_found_by_name:
                yield begun[company_id], row


def _stored(connection: Connection, column: str, places: Places) -> Iterator[tuple[int, Row]]:
    columns = columns_of_places(places)
    if not columns["id"]:
        return
    with driver_of(connection).cursor("moved_rows", scrollable=False) as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_MOVED.format(column=column), columns)
        for company_id, *row in cursor:
            yield company_id, Row(*row)
