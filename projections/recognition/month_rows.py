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

    def row(column: Column, month: int, earned: int, contra: int) -> MonthRow:
        where = (currency, part.stream_id, part.plan_id, column, part.cause)
        return MonthRow(*where, booked_month, month, earned, contra)

    for month, recognized in enumerate(part.months, start=part.first_month):
        contra = part.contra if month == booked_month else 0
        expense = part.expense if month == booked_month else 0
        if recognized or contra or expense:
            yield row(part.kind, month, recognized - contra, contra - expense)
        if expense:
            yield row("expense", month, 0, expense)
