"""Write the customers, subscriptions, prices and products that row changes brought. Commits nothing."""

from collections.abc import Sequence

from projections.revenue.facets import CUSTOMER, FacetChanges
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_COLUMNS = ("company_id", "build", "livemode", "facet", "id", "name", "hint")
_TYPES = "company_id bigint, build integer, livemode boolean, facet text, id text, name text, hint text"
_KEY = _COLUMNS[:5]
# What is kept already is only read: a conflict would lock its row, which is a write. Most customers are known.
_WRITE = f"""
    INSERT INTO revenue_facet ({", ".join(_COLUMNS)})
    SELECT {", ".join(f"k.{name}" for name in _KEY)}, newest.name, newest.hint
    FROM {rows_of(_TYPES)}
    LEFT JOIN revenue_facet kept ON {" AND ".join(f"kept.{name} = k.{name}" for name in _KEY)}
    CROSS JOIN LATERAL (
        SELECT coalesce(k.name, kept.name) AS name,
            CASE WHEN k.facet = '{CUSTOMER}' THEN coalesce(k.hint, kept.hint)
                ELSE coalesce(kept.hint, k.hint) END AS hint
    ) newest
    WHERE kept.id IS NULL OR (newest.name, newest.hint) IS DISTINCT FROM (kept.name, kept.hint)
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET name = excluded.name, hint = excluded.hint
"""  # noqa: S608 - our own words


def write_facets(driver: Driver, entries: Sequence[tuple[int, int, FacetChanges]]) -> None:
    """Write what is new in each company's build, and say nothing to the database if nothing is."""
    rows = [
        (company_id, build, *key, name, hint) for company_id, build, changes in entries for key, name, hint in changes
    ]
    if rows:
        driver.execute(_WRITE, as_rows(_COLUMNS, rows))
