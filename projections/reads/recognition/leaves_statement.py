"""The statement that finds the parts of lines that a cell of a report adds up, and adds them up again."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import TextClause, text

from projections.reads.recognition.report_cells import ReportName
from projections.reads.recognition.spread_parts import EXPENSE
from projections.recognition.month_rows import Column
from projections.recognition.reports import By

# What each report's cells have, in the order of the amounts of `Leaf` and `Explained`. The last is the cell's figure.
AMOUNTS: dict[ReportName, tuple[str, ...]] = {
    "recognition": ("earned", "contra", "net"),
    "deferred": ("opening", "booked", "earned", "contra", "closing"),
    "waterfall": ("amount",),
}


class Question(NamedTuple):
    """What a statement depends on, but for its parameters."""

    report: ReportName
    by: By
    kind: Column
    is_past: bool
    is_continued: bool


# Practically all parts are over within a year.
_EARNED_THEN = (
    "p.last_month BETWEEN :month AND :month + 12 AND p.first_month <= :month",
    "p.last_month > :month + 12 AND p.first_month <= :month AND p.last_month - p.first_month > 12",
)
# What is booked in a month before it begins, or after it is over, is deferred or unbilled meanwhile. Each has an index.
_BOOKED_MONTH = "(EXTRACT(year FROM p.booked_on) * 12 + EXTRACT(month FROM p.booked_on) - 1)"
_BALANCED_THEN = (
    f"{_BOOKED_MONTH} < p.first_month AND p.first_month > :month AND p.booked_on < :next",
    f"{_BOOKED_MONTH} > p.last_month AND p.booked_on >= :day AND p.last_month < :month",
)
_SCOPE = "p.company_id = :company_id AND p.build = :build AND p.livemode = :livemode"
_STANDING = {
    "revenue_part": "p.position <= :position",
    "revenue_part_past": "p.position <= :position AND p.until > :position",
}
_FIGURES = """
    SELECT p.invoice_id, p.invoice_line_item_id, p.share, p.step,
           coalesce(p.months[:month - p.first_month + 1], 0) AS recognized,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.contra ELSE 0 END AS reversed,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.expense ELSE 0 END AS expense
"""
_BALANCE = """,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.amount ELSE 0 END AS booked,
           CASE WHEN p.booked_on < :next THEN p.amount ELSE 0 END
               - CASE WHEN p.last_month <= :month THEN p.amount
                      WHEN p.first_month > :month THEN 0
                      ELSE (SELECT sum(amount) FROM unnest(p.months[: :month - p.first_month + 1]) amount)
                 END AS closing
"""
_OF_REPORT: dict[ReportName, str] = {
    "recognition": "recognized - reversed AS earned, reversed - expense AS contra, recognized - expense AS net",
    "deferred": "closing - booked + recognized AS opening, booked, recognized - reversed AS earned, reversed AS contra,"
    " closing",
    "waterfall": "recognized AS amount",
}
_OF_EXPENSES = "0 AS earned, expense AS contra, expense AS net"
_KEY = "invoice_id, invoice_line_item_id, share, step"


@lru_cache
def leaves_statement(of: Question) -> TextClause:
    """Return the statement; a cell and a mark are its parameters. Its rows have the sums, and one leaf each."""
    names = AMOUNTS[of.report]
    columns = _OF_EXPENSES if of.kind == EXPENSE else _OF_REPORT[of.report]
    # OFFSET 0: each figure is worked out once, however often it is named.
    found = f"({' UNION ALL '.join(_parts(of))}) OFFSET 0"
    size = f"abs({names[-1]})"
    follows = (
        f"WHERE {size} < :size OR {size} = :size AND ({_KEY}) > (:invoice_id, :invoice_line_item_id, :share, :step)"
    )
    sums = ", ".join(f"coalesce(sum({name}), 0) AS all_{name}" for name in names)
    # Materialized: they are read once, for the sums and for the page.
    return text(f"""
        WITH leaves AS MATERIALIZED (
            SELECT * FROM (SELECT {_KEY}, {columns} FROM ({found}) part) leaf
            WHERE {" OR ".join(f"{name} <> 0" for name in names)}
        )
        SELECT * FROM (SELECT count(*) AS leaf_count, {sums} FROM leaves) total
        LEFT JOIN (
            SELECT * FROM leaves {follows if of.is_continued else ""} ORDER BY {size} DESC, {_KEY} LIMIT :limit
        ) page ON true
        ORDER BY {size} DESC, {_KEY}
    """)  # noqa: S608 - our own words


def _parts(of: Question) -> Iterator[str]:
    """Yield statements of the parts that a month can be about; no two have a part in common."""
    conditions = ["p.currency = :currency", "p.kind = :kind"]
    if of.by != "none":
        conditions.append("p.stream_id = :stream_id")
    if of.by == "plan":
        conditions.append("p.plan_id = :plan_id")
    if of.report == "waterfall":
        conditions.append("p.booked_on >= :booked_day AND p.booked_on < :booked_next")
    figures = _FIGURES + (_BALANCE if of.report == "deferred" else "")
    for table, is_standing in _STANDING.items():
        if of.is_past or table == "revenue_part":
            for branch in (*_EARNED_THEN, *(_BALANCED_THEN if of.report == "deferred" else ())):
                yield f"{figures} FROM {table} p WHERE {' AND '.join([_SCOPE, is_standing, *conditions, branch])}"
