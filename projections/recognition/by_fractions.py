"""The same law a second time, in fractions and the standard library's dates, to check the first by. Pure.

It shares no arithmetic with `schedule`, `steps`, `spans` and `days`, and is slow. Whoever changes the law changes both.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from projections.recognition.billing import BilledLine, Credit, Policy, Transitions
from projections.recognition.changes_from_scratch import Change, changes_from_scratch, day_in
from projections.recognition.days import month_text, zone_of
from projections.recognition.outcome import Share, Shares
from projections.recognition.parts import Part

_ONE_DAY = timedelta(days=1)
_LAST_DAY = date(9999, 1, 1)


class Recognized(NamedTuple):
    """What one step of one share comes to: when it is booked, how much, and what of it each month recognizes."""

    share_number: int
    cause: str
    booked: date
    amount: int
    months: dict[str, int]
    contra: int
    expense: int


def recognized_by_fractions(
    line: BilledLine, transitions: Transitions, credits_of_line: Sequence[Credit], shares: Shares, policy: Policy
) -> list[Recognized]:
    """Return what `parts_of` returns, computed the other way."""
    zone = zone_of(policy.time_zone)
    changes = list(changes_from_scratch(line.net_amount, transitions, credits_of_line, zone))
    found = []
    for number, share in enumerate(shares):
        edges, days = _edges(shares, number), _days(share, line, changes[0].day, zone)
        laws = [_Law(change, *edges, *days) for change in changes]
        standing = _standing_expenses(laws, has_expenses=share.kind == "revenue" and policy.uncollectible == "expense")
        found += [
            _recognized(number, law, expense - before, policy)
            for law, before, expense in zip(laws, [0, *standing], standing, strict=False)
            if law.change.cause == "billing" or law.change.after != law.change.before or expense != before
        ]
    return found


def as_recognized(part: Part) -> Recognized:
    """Return a part in the words of this module, so that both can be compared."""
    named = {month_text(part.first_month + place): amount for place, amount in enumerate(part.months) if amount}
    return Recognized(
        part.share_number, part.cause, date.fromordinal(part.booked), part.amount, named, part.contra, part.expense
    )


class _Law(NamedTuple):
    """R before and after a change, at both edges of a share."""

    change: Change
    below: Fraction
    until_here: Fraction
    start: date
    end: date

    def before(self, day: date) -> int:
        over = min(max(Fraction((day - self.start).days, (self.end - self.start).days), Fraction(0)), Fraction(1))
        after = round(self.change.after * over * self.until_here) - round(self.change.after * over * self.below)
        earlier = round(self.change.before * over * self.until_here) - round(self.change.before * over * self.below)
        return after - earlier


def _standing_expenses(laws: Sequence[_Law], *, has_expenses: bool) -> list[int]:
    """Return how much of the line is expensed after each change: what was taken back, for as long as it is bad debt."""
    standing, bad_debt = [], 0
    for law in laws:
        if law.change.cause in {"recovered", "void"}:
            bad_debt = 0
        elif law.change.cause == "uncollectible":
            bad_debt = law.before(law.change.day)
        standing.append(bad_debt if has_expenses else 0)
    return standing


def _recognized(number: int, law: _Law, expense: int, policy: Policy) -> Recognized:
    is_billing = law.change.cause == "billing"
    months = dict(_by_month(law, waits=not is_billing or policy.catch_up == "booked"))
    contra = 0 if is_billing else law.before(law.change.day)
    return Recognized(number, law.change.cause, law.change.day, law.before(date.max), months, contra, expense)


def _edges(shares: Shares, number: int) -> tuple[Fraction, Fraction]:
    until_here = Fraction(sum(share.basis_points for share in shares[: number + 1]), 10_000)
    return until_here - Fraction(shares[number].basis_points, 10_000), until_here


def _by_month(law: _Law, *, waits: bool) -> Iterator[tuple[str, int]]:
    first = min(law.start, law.change.day).replace(day=1)
    last, so_far = max(law.end, law.change.day), 0
    while first <= last:
        following = (first + timedelta(days=31)).replace(day=1)
        until_here = 0 if waits and following <= law.change.day else law.before(following)
        if until_here != so_far:
            yield f"{first:%Y-%m}", until_here - so_far
        first, so_far = following, until_here


def _days(share: Share, line: BilledLine, booked: date, zone: ZoneInfo) -> tuple[date, date]:
    treatment = share.treatment
    has_period = line.period_end > line.period_start
    if share.kind == "revenue" and treatment is not None and treatment.kind == "months":
        start = booked if treatment.anchor == "booked" else day_in(line.period_start, zone)
        return start, _months_later(start, treatment.months)
    if share.kind == "revenue" and has_period and (treatment is None or treatment.kind == "period"):
        start, end = day_in(line.period_start, zone), day_in(line.period_end + 1, zone)
        return start, max(end, start + _ONE_DAY)
    return booked, booked + _ONE_DAY


def _months_later(day: date, count: int) -> date:
    first = day.replace(day=1)
    for _ in range(count):
        first = (first + timedelta(days=31)).replace(day=1)
        if first >= _LAST_DAY:
            return _LAST_DAY
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))
