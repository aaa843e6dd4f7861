"""Derive the parts of a line: each share of each step, with its months. Pure.

Parts are what reports add up. They follow from the line, its credits, its mapping and the policy alone, so they are
derived again whenever one of these changes.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec import Struct

from projections.recognition.billing import BilledLine, Credit, Policy, Transitions
from projections.recognition.days import zone_of
from projections.recognition.outcome import REVENUE, Kind, Share, Shares
from projections.recognition.rounding import WHOLE
from projections.recognition.schedule import Cut, schedule_of
from projections.recognition.spans import Span, span_of
from projections.recognition.steps import Cause, Step, steps_of

_ALL = (Cut(0, WHOLE),)
_STATUSES = frozenset({"uncollectible", "recovered", "void"})


class Part(Struct, frozen=True, gc=False):
    """One step of one share: days and months as numbers (`days`), amounts in minor units of the line's currency.

    `booked` is the step's day; the days earned over are [start, end). `months[0]` is recognized in `first_month`.
    `contra` lies in the booked month and is included in `months`. `expense` is how much of it reduces no revenue, since
    it is a bad debt, or one that is paid after all.
    """

    share_number: int
    step_number: int
    cause: Cause
    stream_id: str | None
    plan_id: str | None
    kind: Kind
    booked: int
    is_booked_estimated: bool
    start: int
    end: int
    amount: int
    first_month: int
    months: tuple[int, ...]
    contra: int
    expense: int
    credit_id: str | None = None


def parts_of(
    line: BilledLine, transitions: Transitions, credits_of_line: Sequence[Credit], shares: Shares, policy: Policy
) -> list[Part]:
    """Return the parts of a line, by share and step. Steps that change nothing have none, except for the billing."""
    steps = steps_of(line.net_amount, transitions, credits_of_line, zone_of(policy.time_zone))
    parts: list[Part] = []
    for share_number, (share, cut, span) in enumerate(spans_of(line, steps[0].day, shares, policy)):
        parts.extend(_parts_of_share(share_number, share, cut, span, steps, policy))
    return parts


def spans_of(line: BilledLine, booked: int, shares: Shares, policy: Policy) -> Iterator[tuple[Share, Cut, Span]]:
    """Yield each share with its place in the line and the days over which it is earned."""
    zone = zone_of(policy.time_zone)
    for share, cut in zip(shares, _cuts(shares), strict=True):
        yield share, cut, span_of(share, line, booked, zone)


def waits(step: Step, policy: Policy) -> bool:
    """Return whether a step recognizes nothing before its own day."""
    return step.cause != "billing" or policy.catch_up == "booked"


def _cuts(shares: Shares) -> Sequence[Cut]:
    if len(shares) == 1:
        return _ALL
    upto = list(accumulate(share.basis_points for share in shares))
    return list(map(Cut, [0, *upto], upto))


def _parts_of_share(
    share_number: int, share: Share, cut: Cut, span: Span, steps: Sequence[Step], policy: Policy
) -> Iterator[Part]:
    has_expenses = policy.uncollectible == "expense" and share.kind == REVENUE
    expensed = 0
    for step_number, step in enumerate(steps):
        schedule = schedule_of(step, cut, span, waits=waits(step, policy))
        expense = 0
        if has_expenses and step.cause in _STATUSES:
            # A write-off is taken back once: what is paid or void afterwards is not an expense any more.
            expense = schedule.contra if step.cause == "uncollectible" else -expensed
            expensed += expense
        if step_number == 0 or step.after != step.before or expense:
            yield Part(
                share_number,
                step_number,
                step.cause,
                share.stream_id,
                share.plan_id,
                share.kind,
                step.day,
                step.is_estimated,
                span.start,
                span.end,
                schedule.amount,
                schedule.first_month,
                schedule.months,
                schedule.contra,
                expense,
                step.credit_id,
            )
