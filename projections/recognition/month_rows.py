"""Spread parts over rows of booked and recognized month: all that reports add up. Pure."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from projections.recognition.days import month_of
from projections.recognition.outcome import Kind
from projections.recognition.parts import Part
from projections.recognition.steps import Cause

# What is taken back of an uncollectible invoice, where the policy calls it an expense, has a column of its own.
Column = Kind | Literal["expense"]


class MonthRow(NamedTuple):
    """What was booked in one month and is recognized in another; sums of such rows are such rows.

    `earned` is earned in `month`. `contra` is what a later step takes back in `month` of days before it; it has the
    sign of revenue: a reduction is negative.
    """

    currency: str
    stream_id: str | None
    plan_id: str | None
    kind: Column
    cause: Cause
    booked_month: int
    month: int
    earned: int
    contra: int


def month_rows(part: Part, currency: str) -> Iterator[MonthRow]:
    """Yield the rows of a part, without those that are zero."""
    booked_month = month_of(part.booked)
    for column, month, earned, contra in spread_of(part):
        where = (currency, part.stream_id, part.plan_id, column, part.cause)
        yield MonthRow(*where, booked_month, month, earned, contra)


def spread_of(part: Part) -> Iterator[tuple[Column, int, int, int]]:
    """Yield what differs in the rows of a part: the column, the month, what is earned, and contra."""
    # Most parts are billings, which take nothing back.
    booked_month = month_of(part.booked) if part.contra or part.expense else None
    for month, recognized in enumerate(part.months, start=part.first_month):
        contra, expense = (part.contra, part.expense) if month == booked_month else (0, 0)
        if recognized or contra or expense:
            yield part.kind, month, recognized - contra, contra - expense
        if expense:
            yield "expense", month, 0, expense
