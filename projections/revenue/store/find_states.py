"""Find stored states of invoices, prices, products and customers in one statement: it costs as much as many rows.

Of a price, product or customer without a state it says whether lines have it all the same, as an invoice may name no
customer: the facets have everything that lines have or had.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg

from projections.facts.sightings import Change
from projections.revenue.build_state import BuildState
from projections.revenue.state import Key
from projections.revenue.store.bulk import PLACE
from projections.revenue.store.tables import revenue_customer, revenue_invoice, revenue_price, revenue_product
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_TABLES = (revenue_invoice, revenue_price, revenue_product, revenue_customer)
INVOICES, PRICES, PRODUCTS, CUSTOMERS = (str(table.name) for table in _TABLES)

# A state table, and the key of a state in it.
Wanted = tuple[str, Key]
Found = psycopg.Cursor[tuple[Any, ...]] | None

_OF_ONE_TABLE = """
    SELECT t.book, t.position, t.changed_at FROM {table} t
    WHERE k.of_table = '{table}' AND t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode
      AND t.id = k.id
"""
# By a subquery that gives a value: for EXISTS beside OR, PostgreSQL may read and hash the facets of all companies.
_FIND = f"""
    SELECT k.of_table, k.company_id, k.livemode, k.id, found.*
    FROM {rows_of("of_table text, company_id bigint, build integer, livemode boolean, id text")}
    LEFT JOIN LATERAL ({" UNION ALL ".join(_OF_ONE_TABLE.format(table=table.name) for table in _TABLES)}) found ON true
    WHERE found.book IS NOT NULL OR (
        SELECT true FROM revenue_facet f
        WHERE f.company_id = k.company_id AND f.build = k.build AND f.livemode = k.livemode
          AND f.facet = replace(k.of_table, 'revenue_', '') AND f.id = k.id)
"""  # noqa: S608 - our own words


def find_states(driver: Driver, wanted: Sequence[tuple[BuildState, Iterable[Wanted]]]) -> Found:
    """Look for the states that builds have of these; None if there are none to look for."""
    rows = [(table, at.company_id, at.build, *key) for at, of_build in wanted for table, key in of_build]
    return driver.execute(_FIND, as_rows(("of_table", *PLACE), rows)) if rows else None


def states_of(found: Found) -> Iterator[tuple[str, int, Key, bytes | None, Change]]:
    """Yield what was found: table, company, key, the state as bytes, if there is one, and what last altered it."""
    for table, company_id, livemode, object_id, stored, position, changed_at in found or ():
        yield table, company_id, (livemode, object_id), stored, Change(position, changed_at)
