"""The law: what a step of a share has earned before a day, in one rounding. Pure.

Recognized before day b are `R(A, b, C) = round_half_even(A · e(b) · C)` of an amount A, where e(b) is the part of the
days that is over and C the cumulative share. Everything else is a difference of such R. So months, quarters or any
other slices, shares, steps and reversals add up to the unit, with nothing left to plug into a last month.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from projections.recognition.days import first_day, month_of
from projections.recognition.rounding import WHOLE, half_even
from projections.recognition.spans import Span
from projections.recognition.steps import Step


class Cut(NamedTuple):
    """Where a share lies within its line, in basis points: after the shares before it, up to and with itself."""

    below: int
    upto: int


class Schedule(Struct, frozen=True, gc=False):
    """What one step of a share books, and what is recognized of it by month, beginning with `first_month`.

    `contra` is what the step takes back, on its day, of days before it: a part of the booked month. The rest is earned.
    """

    amount: int
    first_month: int
    months: tuple[int, ...]
    contra: int


class Term(NamedTuple):
    """An R that is added, or subtracted if `sign` is -1."""

    sign: int
    amount: int
    basis_points: int


def schedule_of(step: Step, cut: Cut, span: Span, *, waits: bool) -> Schedule:
    """Return what is recognized of a step, by month.

    A step that waits recognizes nothing before its day: all but the billing do, and the billing too if policy puts what
    was earned before it on the day of booking.
    """
    begin = step.day if waits and step.day > span.start else span.start
    if step.cause == "billing":
        return _schedule_of_billing(step.after, cut, span, begin)
    return _schedule(step, cut, span, begin)


# Prices repeat, and so do the days of invoices that are folded together.
@lru_cache(1 << 14)
def _schedule_of_billing(amount: int, cut: Cut, span: Span, begin: int) -> Schedule:
    return _schedule(Step("billing", begin, 0, amount), cut, span, begin)


def _schedule(step: Step, cut: Cut, span: Span, begin: int) -> Schedule:
    terms = list(terms_of(step, cut))
    # Of a step that begins after the span, the first month has it all.
    first, last = month_of(begin), month_of(span.end - 1)
    amount = recognized_before(span.end, terms, span)
    contra = 0 if step.cause == "billing" else recognized_before(step.day, terms, span)
    months, so_far = [], 0
    for month in range(first + 1, last + 1):
        until_here = recognized_before(first_day(month), terms, span)
        months.append(until_here - so_far)
        so_far = until_here
    months.append(amount - so_far)
    return Schedule(amount, first, tuple(months), contra)


def terms_of(step: Step, cut: Cut) -> Iterator[Term]:
    """Yield what a step adds to its share's recognized amount: the amount after it less the one before it.

    R of a share is R of all shares up to it, less R of those below it.
    """
    if step.after:
        yield Term(1, step.after, cut.upto)
        if cut.below:
            yield Term(-1, step.after, cut.below)
    if step.before:
        yield Term(-1, step.before, cut.upto)
        if cut.below:
            yield Term(1, step.before, cut.below)


def recognized_before(day: int, terms: list[Term], span: Span) -> int:
    """Return the sum of terms before a day."""
    elapsed, whole = elapsed_before(day, span), (span.end - span.start) * WHOLE
    recognized = 0
    for sign, amount, basis_points in terms:
        recognized += sign * half_even(amount * elapsed * basis_points, whole)
    return recognized


def elapsed_before(day: int, span: Span) -> int:
    """Return how many days of a span are over when a day begins."""
    if day <= span.start:
        return 0
    if day >= span.end:
        return span.end - span.start
    return day - span.start
