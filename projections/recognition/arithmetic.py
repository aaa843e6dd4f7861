"""Write out the arithmetic of a line's months, so that a person can repeat it with a pocket calculator. Pure.

`round(9000·59/90)` is what 90.00 over 90 days have earned after 59 days; a month is the difference of two such terms.
`round` is to the nearest minor unit, halves to the even one. All of it follows from the parts as they are stored.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from projections.recognition.days import first_day, month_of, month_text
from projections.recognition.parts import Part
from projections.recognition.rounding import WHOLE, half_even
from projections.recognition.schedule import Cut, elapsed_before, terms_of
from projections.recognition.spans import Span
from projections.recognition.steps import Step


class MonthOfShare(NamedTuple):
    """What a share recognizes in a month (`YYYY-MM`), over all steps, and `sum`, the arithmetic that gives both.

    `contra` includes what of it is an `expense`. `comes_to` is what the arithmetic gives: earned + contra, or the parts
    were not derived by this law.
    """

    month: str
    share_number: int
    earned: int
    contra: int
    expense: int
    sum: str
    comes_to: int


class _Rounded(NamedTuple):
    """One `round(amount·elapsed/length·basis_points/10000)` of a sum."""

    amount: int
    elapsed: int
    basis_points: int


_Terms = Mapping[_Rounded, int]


def months_of_shares(parts: Sequence[Part], basis_points: Sequence[int]) -> list[MonthOfShare]:
    """Return the months of each share of a line, in order, without those in which nothing is recognized.

    The parts are all that the line has, and `basis_points` how much of it each share is.
    """
    sums: dict[tuple[int, int], list[int]] = {}
    for part in parts:
        for month, recognized in enumerate(part.months, start=part.first_month):
            sums.setdefault((month, part.share_number), [0, 0, 0])[0] += recognized
        booked = sums.setdefault((month_of(part.booked), part.share_number), [0, 0, 0])
        booked[0] -= part.contra
        booked[1] += part.contra
        booked[2] += part.expense
    steps, upto = steps_of_parts(parts), [0, *accumulate(basis_points)]
    billings = {part.share_number: part for part in parts if part.step_number == 0}
    months = []
    for (month, number), amounts in sorted(sums.items()):
        billing, cut = billings[number], Cut(upto[number], upto[number + 1])
        terms, length = _terms_of(month, steps, cut, billing), billing.end - billing.start
        comes_to = sum(count * _value_of(rounded, length) for rounded, count in terms.items())
        if any(amounts) or comes_to:
            text = _text_of(terms, length)
            earned, contra, expense = amounts
            months.append(MonthOfShare(month_text(month), number, earned, contra, expense, text, comes_to))
    return months


def steps_of_parts(parts: Sequence[Part]) -> list[Step]:
    """Return the steps that a line's parts are shares of, in order."""
    amounts: Counter[int] = Counter()
    parts_by_step: dict[int, Part] = {}
    for part in parts:
        amounts[part.step_number] += part.amount
        parts_by_step.setdefault(part.step_number, part)
    steps, before = [], 0
    for number, part in sorted(parts_by_step.items()):
        after = before + amounts[number]
        steps.append(Step(part.cause, part.booked, before, after, None, part.is_booked_estimated))
        before = after
    return steps


def is_sum_of_months(parts: Sequence[Part], months: Sequence[MonthOfShare]) -> bool:
    """Return whether the months of a line's parts add up to its steps, and the arithmetic gives each of them."""
    add_up = all(sum(part.months) == part.amount for part in parts)
    return add_up and all(month.comes_to == month.earned + month.contra for month in months)


def _terms_of(month: int, steps: Sequence[Step], cut: Cut, billing: Part) -> _Terms:
    span, terms = Span(billing.start, billing.end), Counter[_Rounded]()
    for sign, day in ((1, first_day(month + 1)), (-1, first_day(month))):
        elapsed = elapsed_before(day, span)
        for step in _begun(steps, day, billing) if elapsed else ():
            for term in terms_of(step, cut):
                # Rounding mirrors negative amounts, so that their sign can stand before the term.
                is_negative = (sign * term.sign < 0) != (term.amount < 0)
                terms[_Rounded(abs(term.amount), elapsed, term.basis_points)] += -1 if is_negative else 1
    return terms


def _begun(steps: Sequence[Step], day: int, billing: Part) -> Iterator[Step]:
    """Yield the steps of which something may be recognized before a day."""
    # A billing whose first month is not that of its period waits for the day on which it is booked.
    billing_waits = billing.first_month != month_of(billing.start)
    for step in steps:
        if day > step.day or (step.cause == "billing" and not billing_waits):
            yield step


def _value_of(rounded: _Rounded, length: int) -> int:
    return half_even(rounded.amount * rounded.elapsed * rounded.basis_points, length * WHOLE)


def _text_of(terms: _Terms, length: int) -> str:
    text = " ".join(
        f"{'+' if count > 0 else '−'} {_term_text(rounded, length)}"
        for rounded, count in terms.items()
        for _ in range(abs(count))
    )
    return f"−{text[2:]}" if text.startswith("−") else text.removeprefix("+ ") or "0"


def _term_text(rounded: _Rounded, length: int) -> str:
    days = "" if rounded.elapsed == length else f"·{rounded.elapsed}/{length}"
    share = "" if rounded.basis_points == WHOLE else f"·{rounded.basis_points}/{WHOLE}"
    return f"round({rounded.amount}{days}{share})" if days or share else str(rounded.amount)
