"""Add what row changes did to the customers, subscriptions, prices and products that lines have. Commits nothing."""

from collections.abc import Sequence

from projections.revenue.facets import CUSTOMER, FacetChanges
from runtime.database import Driver
from runtime.json_rows import as_rows, rows_of

_COLUMNS = ("company_id", "build", "livemode", "facet", "id", "name", "hint", "line_count")
_TYPES = "company_id bigint, build integer, livemode boolean, facet text, id text, name text, hint text"
_NAME = "coalesce(excluded.name, f.name)"
_HINT = (
    f"CASE WHEN f.facet = '{CUSTOMER}' THEN coalesce(excluded.hint, f.hint) ELSE coalesce(f.hint, excluded.hint) END"
)
_ADD = f"""
    INSERT INTO revenue_facet AS f ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM {rows_of(f"{_TYPES}, line_count bigint")}
    ON CONFLICT (company_id, build, livemode, facet, id) DO UPDATE
    SET name = {_NAME}, hint = {_HINT}, line_count = f.line_count + excluded.line_count
    WHERE excluded.line_count <> 0 OR {_NAME} IS DISTINCT FROM f.name OR {_HINT} IS DISTINCT FROM f.hint
"""  # noqa: S608 - our own words


def write_facets(driver: Driver, entries: Sequence[tuple[int, int, FacetChanges]]) -> None:
    """Write the changes of each company's build."""
    rows = [
        (company_id, build, *key, name, hint, line_count)
        for company_id, build, changes in entries
        for key, line_count, name, hint in changes
    ]
    if rows:
        driver.execute(_ADD, as_rows(_COLUMNS, rows))
