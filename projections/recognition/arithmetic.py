"""Write out the arithmetic of a line's months, so that a person can repeat it with a pocket calculator. Pure.

`round(9000·59/90)` is what 90.00 over 90 days have earned after 59 days; a month is the difference of two such terms.
`round` is to the nearest minor unit, halves to the even one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from projections.recognition.billing import BilledLine, Credit, Policy, Transitions
from projections.recognition.days import first_day, month_of, month_text, zone_of
from projections.recognition.outcome import Shares
from projections.recognition.parts import parts_of, spans_of, waits
from projections.recognition.rounding import WHOLE
from projections.recognition.schedule import Cut, elapsed_before, terms_of
from projections.recognition.spans import Span
from projections.recognition.steps import Step, steps_of


class MonthOfShare(NamedTuple):
    """What a share recognizes in a month (`YYYY-MM`), over all steps, and `sum`, the arithmetic that gives both."""

    month: str
    share_number: int
    earned: int
    contra: int
    sum: str


class _Rounded(NamedTuple):
    """One `round(amount·elapsed/length·basis_points/10000)` of a sum."""

    amount: int
    elapsed: int
    basis_points: int


def months_of_shares(
    line: BilledLine, transitions: Transitions, credits_of_line: Sequence[Credit], shares: Shares, policy: Policy
) -> list[MonthOfShare]:
    """Return the months of each share of a line, in order, without those in which nothing is recognized."""
    earned: Counter[tuple[int, int]] = Counter()
    contra: Counter[tuple[int, int]] = Counter()
    for part in parts_of(line, transitions, credits_of_line, shares, policy):
        for month, recognized in enumerate(part.months, start=part.first_month):
            earned[month, part.share_number] += recognized
        contra[month_of(part.booked), part.share_number] += part.contra
        earned[month_of(part.booked), part.share_number] -= part.contra
    steps = steps_of(line.net_amount, transitions, credits_of_line, zone_of(policy.time_zone))
    spans = [(cut, span) for _, cut, span in spans_of(line, steps[0].day, shares, policy)]
    return [
        MonthOfShare(month_text(key[0]), key[1], earned[key], contra[key], _sum(key[0], steps, *spans[key[1]], policy))
        for key in sorted(earned.keys() | contra.keys())
        if earned[key] or contra[key]
    ]


def _sum(month: int, steps: Sequence[Step], cut: Cut, span: Span, policy: Policy) -> str:
    terms: Counter[_Rounded] = Counter()
    for sign, day in ((1, first_day(month + 1)), (-1, first_day(month))):
        elapsed = elapsed_before(day, span)
        for step in steps if elapsed else ():
            if day > step.day or not waits(step, policy):
                for term in terms_of(step, cut):
                    # Rounding mirrors negative amounts, so that their sign can stand before the term.
                    is_negative = (sign * term.sign < 0) != (term.amount < 0)
                    terms[_Rounded(abs(term.amount), elapsed, term.basis_points)] += -1 if is_negative else 1
    length = span.end - span.start
    text = " ".join(
        f"{'+' if count > 0 else '−'} {_text_of(rounded, length)}"
        for rounded, count in terms.items()
        for _ in range(abs(count))
    )
    return f"−{text[2:]}" if text.startswith("−") else text.removeprefix("+ ") or "0"


def _text_of(rounded: _Rounded, length: int) -> str:
    days = "" if rounded.elapsed == length else f"·{rounded.elapsed}/{length}"
    share = "" if rounded.basis_points == WHOLE else f"·{rounded.basis_points}/{WHOLE}"
    return f"round({rounded.amount}{days}{share})" if days or share else str(rounded.amount)
