"""The statement that adds up the parts of lines that a cell of a report is made of, and finds a page of them.

Both are done in one pass, since reading a cell's parts is what takes time. Sorting all of them for the sake of a few
would take as long again, so that the pass puts aside only those that are not smaller than a bar: the last of a page of
a sample. No leaf of the page can be smaller, whatever the sample; a good one leaves little to sort.
"""

from functools import lru_cache

from sqlalchemy import TextClause, text

from projections.reads.recognition.cell_parts import Question, parts_of_cell, some_parts_of_cell
from projections.reads.recognition.report_cells import ReportName
from projections.reads.recognition.spread_parts import EXPENSE

# What each report's cells have, in the order of the amounts of `Leaf` and `Explained`. The last is the cell's figure.
AMOUNTS: dict[ReportName, tuple[str, ...]] = {
    "recognition": ("earned", "contra", "net"),
    "deferred": ("opening", "booked", "earned", "contra", "closing"),
    "waterfall": ("amount",),
}
_OF_REPORT: dict[ReportName, str] = {
    "recognition": "recognized - reversed AS earned, reversed - expense AS contra, recognized - expense AS net",
    "deferred": "closing - booked + recognized AS opening, booked, recognized - reversed AS earned, reversed AS contra,"
    " closing",
    "waterfall": "recognized AS amount",
}
_OF_EXPENSES = "0::bigint AS earned, expense AS contra, expense AS net"
_KEY = "invoice_id, invoice_line_item_id, share, step"
_MARK = "-:size, :invoice_id, :invoice_line_item_id, :share, :step"


@lru_cache
def leaves_statement(of: Question) -> TextClause:
    """Return the statement; a cell and a mark are its parameters. Its rows have the sums, and one leaf each."""
    names = AMOUNTS[of.report]
    amounts = ", ".join(names)
    # Ascending: the largest leaf comes first.
    order = f"-abs({names[-1]}), {_KEY}"
    follows = f"({order}) > ({_MARK})" if of.is_continued else "true"
    columns = f"{_KEY}, {amounts}".split(", ")
    is_large = f"{follows} AND coalesce(({order}) <= (SELECT * FROM bar), true)"  # noqa: S608 - our own words
    # Several processes can gather arrays of columns, but none of rows.
    arrays = ", ".join(f"array_agg({name}) FILTER (WHERE {is_large}) AS largest_{name}" for name in columns)
    largest = ", ".join(f"largest_{name}" for name in columns)
    sums = ", ".join(f"coalesce(sum({name}), 0) AS all_{name}" for name in names)
    all_of_it = ", ".join(f"sum(all_{name}) AS all_{name}" for name in names)
    totals = " UNION ALL ".join(
        f"SELECT count(*) AS leaf_count, {sums}, {arrays} FROM ({_leaves(of, parts)}) leaf"  # noqa: S608 - our own words
        for parts in parts_of_cell(of)
    )
    return text(f"""
        WITH bar AS MATERIALIZED (
            SELECT DISTINCT {order} FROM ({_leaves(of, some_parts_of_cell(of))}) leaf WHERE {follows}
            ORDER BY {order} OFFSET :limit - 1 LIMIT 1
        ), total AS MATERIALIZED ({totals})
        SELECT whole.*, page.*
        FROM (SELECT sum(leaf_count)::bigint AS leaf_count, {all_of_it} FROM total) whole LEFT JOIN LATERAL (
            SELECT leaf.* FROM total CROSS JOIN LATERAL unnest({largest}) leaf ({_KEY}, {amounts})
            ORDER BY {order} LIMIT :limit
        ) page ON true
        ORDER BY {order}
    """)  # noqa: S608 - our own words


def _leaves(of: Question, parts: str) -> str:
    columns = _OF_EXPENSES if of.kind == EXPENSE else _OF_REPORT[of.report]
    is_leaf = " OR ".join(f"{name} <> 0" for name in AMOUNTS[of.report])
    return f"SELECT * FROM (SELECT {_KEY}, {columns} FROM ({parts}) part) leaf WHERE {is_leaf}"  # noqa: S608
