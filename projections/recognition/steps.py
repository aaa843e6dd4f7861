"""The steps of a line: its amount as billed, and each dated change of it. Pure.

A credit note, a void or uncollectible invoice changes the price of what was sold. It counts from the day it happens and
rewrites no earlier month (ASC 606-10-32-43; https://docs.stripe.com/revenue-recognition/examples/credit-notes).
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from projections.recognition.billing import Credit, CreditCause, Moment, Transitions
from projections.recognition.days import day_of

Cause = Literal["billing", "void", "uncollectible", "recovered"] | CreditCause

# On one day credits come first, by id, and the status last: an order that does not depend on how facts arrive.
_CREDITS, _STATUS = 0, 1


class Step(Struct, frozen=True, gc=False):
    """A change of a line's amount on a day. Its day is estimated where Stripe does not say when."""

    cause: Cause
    day: int
    before: int
    after: int
    credit_id: str | None = None
    is_estimated: bool = False

    @property
    def amount(self) -> int:
        """Return what the step books: positive if the line is worth more from its day on."""
        return self.after - self.before


def steps_of(
    net_amount: int, transitions: Transitions, credits_of_line: Sequence[Credit], zone: ZoneInfo
) -> tuple[Step, ...]:
    """Return a line's steps: the billing first, then by day.

    Steps that change nothing are among them: a credit beyond what is left, or a void after uncollectible.
    """
    booked = transitions.finalized
    billing = Step("billing", day_of(booked.at, zone), 0, net_amount, None, booked.is_estimated)
    if not credits_of_line and transitions.uncollectible is transitions.voided is None:
        return (billing,)
    steps, credited, is_written_off = [billing], 0, False
    happenings = [
        _Happening(day_of(moment.at, zone), *what, is_estimated=moment.is_estimated)
        for moment, what in [*_credits(credits_of_line), *_statuses(transitions)]
    ]
    for happening in sorted(happenings):
        credited += happening.credited
        is_written_off = is_written_off if happening.writes_off is None else happening.writes_off
        after = 0 if is_written_off else amount_left(net_amount, credited)
        credit_id = happening.credit_id or None
        steps.append(Step(happening.cause, happening.day, steps[-1].after, after, credit_id, happening.is_estimated))
    return tuple(steps)


def amount_left(net_amount: int, credited: int) -> int:
    """Return what is left of a line after credits: they may bring it to 0 and not beyond."""
    left = net_amount - credited
    return left if left * net_amount > 0 else 0


class _Happening(NamedTuple):
    day: int
    rank: int
    credit_id: str
    order: int
    cause: Cause
    credited: int
    writes_off: bool | None
    is_estimated: bool


_What = tuple[int, str, int, Cause, int, bool | None]


def _credits(credits_of_line: Sequence[Credit]) -> Iterator[tuple[Moment, _What]]:
    for credit in credits_of_line:
        yield credit.effective, (_CREDITS, credit.credit_id, 0, credit.cause, credit.amount, None)
        if credit.voided is not None:
            voided = max(credit.voided, credit.effective)
            yield voided, (_CREDITS, credit.credit_id, 1, credit.cause, -credit.amount, None)


def _statuses(transitions: Transitions) -> Iterator[tuple[Moment, _What]]:
    # An estimated time may be too early: a status never comes before the one that it follows.
    uncollectible, voided, paid = transitions.uncollectible, transitions.voided, transitions.paid
    if uncollectible is not None:
        yield uncollectible, (_STATUS, "", 0, "uncollectible", 0, True)
        if paid is not None:
            yield max(paid, uncollectible), (_STATUS, "", 1, "recovered", 0, False)
    if voided is not None:
        yield max(voided, uncollectible or voided), (_STATUS, "", 1, "void", 0, True)
