"""The parts of lines that a cell of a report can be about, with what each adds to it, as SQL."""

from collections.abc import Iterator
from typing import NamedTuple

from projections.reads.recognition.report_cells import ReportName
from projections.recognition.month_rows import Column
from projections.recognition.reports import By


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
_STOOD = {
    "revenue_part": "p.position <= :position",
    "revenue_part_past": "p.position <= :position AND p.until > :position",
}
_FIGURES = """
    SELECT p.invoice_id, p.invoice_line_item_id, p.share, p.step,
           coalesce(p.months[:month - p.first_month + 1], 0) AS recognized,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.contra ELSE 0 END AS reversed,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.expense ELSE 0 END AS expense
"""
# Adding up a part of an array takes as long as all the rest, and is rarely needed: most parts have two months.
_BALANCE = """,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.amount ELSE 0 END AS booked,
           CASE WHEN p.booked_on < :next THEN p.amount ELSE 0 END
               - CASE WHEN p.last_month <= :month THEN p.amount
                      WHEN p.first_month > :month THEN 0
                      WHEN p.first_month = :month THEN p.months[1]
                      WHEN p.last_month = :month + 1 THEN p.amount - p.months[p.last_month - p.first_month + 1]
                      ELSE (SELECT sum(amount)::bigint
                            FROM (SELECT unnest(p.months[: :month - p.first_month + 1]) AS amount) earned)
                 END AS closing
"""
_PARTS_AT_EACH_END = 400


def parts_of_cell(of: Question) -> str:
    """Return a statement of all parts that a cell can be about; no two of its branches have a part in common."""
    return _all_of(_branches(of))


def some_parts_of_cell(of: Question) -> str:
    """Return a statement of some of them: of those that end in the same month, the oldest and the newest.

    Where there are few, they are the same ones, and come twice.
    """
    return _all_of(_samples(of))


def _all_of(branches: Iterator[str]) -> str:
    # OFFSET 0: each figure is worked out once, however often it is named.
    return f"({' UNION ALL '.join(branches)}) OFFSET 0"


def _branches(of: Question) -> Iterator[str]:
    for table, conditions in _conditions(of):
        for branch in (*_EARNED_THEN, *(_BALANCED_THEN if of.report == "deferred" else ())):
            yield f"{_figures(of)} FROM {table} p WHERE {' AND '.join([_SCOPE, *conditions, branch])}"


def _samples(of: Question) -> Iterator[str]:
    for table, conditions in _conditions(of):
        for direction in ("ASC", "DESC"):
            # Limited before it is filtered, so that no rare cell is looked for among all parts.
            some = f"""SELECT * FROM {table} p WHERE {_SCOPE} AND p.last_month = :month + later
                AND p.first_month <= :month ORDER BY p.first_month {direction} LIMIT {_PARTS_AT_EACH_END}"""  # noqa: S608 - our own words
            yield f"""{_figures(of)} FROM generate_series(0, 12) later CROSS JOIN LATERAL ({some}) p
                WHERE {" AND ".join(conditions)}"""


def _figures(of: Question) -> str:
    return _FIGURES + (_BALANCE if of.report == "deferred" else "")


def _conditions(of: Question) -> Iterator[tuple[str, list[str]]]:
    """Yield each table that has parts of the cell, and the conditions that a part in it belongs to the cell."""
    conditions = ["p.currency = :currency", "p.kind = :kind"]
    if of.by != "none":
        conditions.append("p.stream_id = :stream_id")
    if of.by == "plan":
        conditions.append("p.plan_id = :plan_id")
    if of.report == "waterfall":
        conditions.append("p.booked_on >= :booked_day AND p.booked_on < :booked_next")
    if not of.is_past:
        yield "revenue_part", conditions
        return
    for table, stood in _STOOD.items():
        yield table, [*conditions, stood]
