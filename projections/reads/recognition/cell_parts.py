"""The parts of lines that a cell of a report can be about, with what each adds to it, as SQL."""

from collections.abc import Iterator, Sequence
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


class _Branch(NamedTuple):
    """Some of the parts of a cell: which ones, what they have earned by the end of its month, and what that is read of.

    No formula has a subquery of its own: PostgreSQL would not read such parts by several processes. Nor does it add
    those up by several processes that read of another.
    """

    condition: str
    earned_so_far: str
    read_of: str = ""


_MONTHS_OF_YEAR = 12
_THIS_MONTH = ":month - p.first_month + 1"
_LATER_MONTHS = " + ".join(f"coalesce(p.months[{_THIS_MONTH} + {later}], 0)" for later in range(1, _MONTHS_OF_YEAR + 1))
# Practically all parts are over within a year, and most have one month or two.
_OVER_WITHIN_A_YEAR = _Branch(
    f"p.last_month BETWEEN :month AND :month + {_MONTHS_OF_YEAR} AND p.first_month <= :month",
    f"""CASE WHEN p.last_month = :month THEN p.amount
             WHEN p.first_month = :month THEN p.months[1]
             WHEN p.last_month = :month + 1 THEN p.amount - p.months[p.last_month - p.first_month + 1]
             ELSE p.amount - ({_LATER_MONTHS}) END""",
)
_OVER_LATER = _Branch(
    f"""p.last_month > :month + {_MONTHS_OF_YEAR} AND p.first_month <= :month
        AND p.last_month - p.first_month > {_MONTHS_OF_YEAR}""",
    "earned.so_far",
    f"CROSS JOIN LATERAL (SELECT sum(amount)::bigint AS so_far FROM unnest(p.months[: {_THIS_MONTH}]) amount) earned",  # noqa: S608
)
# What is booked in a month before it begins, or after it is over, is deferred or unbilled meanwhile. Each has an index.
_BOOKED_MONTH = "(EXTRACT(year FROM p.booked_on) * 12 + EXTRACT(month FROM p.booked_on) - 1)"
_BILLED_AHEAD = _Branch(
    f"{_BOOKED_MONTH} < p.first_month AND p.first_month > :month AND p.booked_on < :next", "0::bigint"
)
_BILLED_LATE = _Branch(f"{_BOOKED_MONTH} > p.last_month AND p.booked_on >= :day AND p.last_month < :month", "p.amount")
_SCOPE = "p.company_id = :company_id AND p.build = :build AND p.livemode = :livemode"
_STOOD = {
    "revenue_part": "p.position <= :position",
    "revenue_part_past": "p.position <= :position AND p.until > :position",
}
_FIGURES = f"""
    SELECT p.invoice_id, p.invoice_line_item_id, p.share, p.step, coalesce(p.months[{_THIS_MONTH}], 0) AS recognized,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.contra ELSE 0 END AS reversed,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.expense ELSE 0 END AS expense
"""
_BALANCE = """,
           CASE WHEN p.booked_on >= :day AND p.booked_on < :next THEN p.amount ELSE 0 END AS booked,
           CASE WHEN p.booked_on < :next THEN p.amount ELSE 0 END - {earned_so_far} AS closing
"""
_PARTS_AT_EACH_END = 400


def parts_of_cell(of: Question) -> list[str]:
    """Return statements of all parts that a cell can be about, to be added up apart; none have a part in common."""
    if of.report != "deferred":
        return [_statement(of, [_OVER_WITHIN_A_YEAR, _OVER_LATER])]
    return [_statement(of, [_OVER_WITHIN_A_YEAR, _BILLED_AHEAD, _BILLED_LATE]), _statement(of, [_OVER_LATER])]


def some_parts_of_cell(of: Question) -> str:
    """Return a statement of some of them: of those that end in the same month, the oldest and the newest.

    Where there are few, they are the same ones, and come twice.
    """
    return " UNION ALL ".join(_samples(of))


def _statement(of: Question, branches: Sequence[_Branch]) -> str:
    return " UNION ALL ".join(
        f"{_figures(of, one, table)} WHERE {' AND '.join([_SCOPE, *conditions, one.condition])}"
        for table, conditions in _conditions(of)
        for one in branches
    )


def _samples(of: Question) -> Iterator[str]:
    for table, conditions in _conditions(of):
        for direction in ("ASC", "DESC"):
            # Limited before it is filtered, so that no rare cell is looked for among all parts.
            some = f"""SELECT * FROM {table} p WHERE {_SCOPE} AND p.last_month = :month + later
                AND p.first_month <= :sampled_month ORDER BY p.first_month {direction} LIMIT {_PARTS_AT_EACH_END}"""  # noqa: S608 - our own words
            of_some = f"generate_series(0, {_MONTHS_OF_YEAR}) later CROSS JOIN LATERAL ({some})"
            yield f"{_figures(of, _OVER_WITHIN_A_YEAR, of_some)} WHERE {' AND '.join(conditions)}"


def _figures(of: Question, branch: _Branch, parts: str) -> str:
    if of.report != "deferred":
        return f"{_FIGURES} FROM {parts} p"
    return f"{_FIGURES}{_BALANCE.format(earned_so_far=branch.earned_so_far)} FROM {parts} p {branch.read_of}"


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
