"""Load, in portions, the stored invoices whose prices or names changed: they may not all fit into memory."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import psycopg

from projections.revenue.build_state import BuildState
from projections.revenue.moves import moves_of
from projections.revenue.state import Key
from projections.revenue.store.bulk import PLACE
from projections.revenue.store.find_states import CUSTOMERS, PRICES, PRODUCTS
from projections.revenue.store.load_state import load_invoices
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_INVOICES_AT_ONCE = 1000
# What a row shows that may change without its invoice, and the tables of its states.
_COLUMNS = (("customer_id", CUSTOMERS), ("price_id", PRICES), ("product_id", PRODUCTS))

# Of a table that was never analyzed, PostgreSQL knows only its size. The mode is compared in a way that no index
# serves, so that none seems as good as the one that has the column; a plan made while the table is small is not kept.
_OF_ONE_COLUMN = """
    SELECT DISTINCT r.company_id, r.livemode, r.invoice_id
    FROM moved k JOIN revenue_line r ON r.company_id = k.company_id AND r.build = k.build AND r.{column} = k.id
        AND r.livemode IS NOT DISTINCT FROM k.livemode
    WHERE k.of_column = '{column}'
"""
_MOVED = f"""
    WITH moved AS (
        SELECT * FROM {rows_of("of_column text, company_id bigint, build integer, livemode boolean, id text")}
    )
"""  # noqa: S608 - our own columns


def moved_invoices(driver: Driver, build_states: Sequence[BuildState]) -> Iterator[list[BuildState]]:
    """Yield builds beside the given ones, with the stored invoices that show a changed price or name loaded.

    Without those that the given states have. The invoices are found as they stood when this began. What was neither
    stored nor had by lines, such as a new customer, is not looked for.
    """
    begun = {build_state.company_id: build_state for build_state in build_states if build_state.is_begun}
    moved = [
        (column, at.company_id, at.build, *key)
        for at in begun.values()
        for (column, table), keys in zip(_COLUMNS, moves_of(at.revenue), strict=True)
        for key in keys
        if (table, key) in at.revenue.shown
    ]
    found = iter(_stored(driver, moved))
    while portion := list(islice(found, _INVOICES_AT_ONCE)):
        yield _loaded(driver, begun, portion)


def _loaded(
    driver: Driver, begun: Mapping[int, BuildState], portion: Sequence[tuple[int, bool, str]]
) -> list[BuildState]:
    keys: dict[int, list[Key]] = defaultdict(list)
    for company_id, livemode, invoice_id in portion:
        if (livemode, invoice_id) not in begun[company_id].revenue.invoices:
            keys[company_id].append((livemode, invoice_id))
    beside = [(begun[at]._replace(revenue=begun[at].revenue.beside()), of_company) for at, of_company in keys.items()]
    load_invoices(driver, beside)
    return [build_state for build_state, _ in beside]


def _stored(driver: Driver, moved: Sequence[Sequence[object]]) -> Iterator[tuple[Any, ...]]:
    if not moved:
        return
    parameters = as_rows(("of_column", *PLACE), moved)
    columns = sorted({str(column) for column, *_ in moved})
    query = _MOVED + " UNION ".join(_OF_ONE_COLUMN.format(column=column) for column in columns)
    # Mostly there are few, and a cursor takes more round trips. Planned anew each time: see above.
    few = driver.execute(f"{query} LIMIT {_INVOICES_AT_ONCE}", parameters, prepare=False).fetchall()
    if len(few) < _INVOICES_AT_ONCE:
        yield from few
        return
    # A cursor declared in SQL may be part of a pipeline, which psycopg's may not; it takes no parameters.
    driver.execute("DECLARE moved_invoices CURSOR FOR " + psycopg.ClientCursor(driver).mogrify(query, parameters))
    while rows := driver.execute(f"FETCH {_INVOICES_AT_ONCE} FROM moved_invoices").fetchall():
        yield from rows
    driver.execute("CLOSE moved_invoices")
