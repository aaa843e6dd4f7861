"""Find the stored states of prices, products and customers in one statement: a statement costs as much as many rows."""

from collections.abc import Iterable, Sequence

from projections.revenue.build_state import BuildState
from projections.revenue.state import Key
from projections.revenue.store.bulk import PLACE, Found
from projections.revenue.store.tables import revenue_customer, revenue_price, revenue_product
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

PRICES, PRODUCTS, CUSTOMERS = (str(table.name) for table in (revenue_price, revenue_product, revenue_customer))

# A state table, and the key of a state in it.
Value = tuple[str, Key]

_ONE_TABLE = """
    SELECT k.of_table, t.company_id, t.livemode, t.id, t.book, t.position, t.changed_at FROM k
    JOIN {table} t ON t.company_id = k.company_id AND t.build = k.build AND t.livemode = k.livemode AND t.id = k.id
    WHERE k.of_table = '{table}'
"""
_FIND = f"""
    WITH k AS MATERIALIZED (
        SELECT * FROM {rows_of("of_table text, company_id bigint, build integer, livemode boolean, id text")}
    ) {" UNION ALL ".join(_ONE_TABLE.format(table=table) for table in (PRICES, PRODUCTS, CUSTOMERS))}
"""  # noqa: S608 - our own words


def find_values(driver: Driver, wanted: Sequence[tuple[BuildState, Iterable[Value]]]) -> Found:
    """Look for the states of these values; None if there are none to look for.

    Each row has the table, the company, the key, the state as bytes, and what last altered it.
    """
    rows = [(table, at.company_id, at.build, *key) for at, values in wanted for table, key in values]
    return driver.execute(_FIND, as_rows(("of_table", *PLACE), rows)) if rows else None
