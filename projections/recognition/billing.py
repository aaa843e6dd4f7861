"""What recognition needs to know of a billed line: amount, period, its invoice's dates, its credits. Pure values.

Instants are Unix seconds, as in Stripe's API.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from events.stripe.observations import StatusDates

Uncollectible = Literal["contra", "expense"]
CatchUp = Literal["none", "booked"]
CreditCause = Literal["credit_note", "refund", "dispute"]


class Policy(NamedTuple):
    """A company's accounting policy.

    `uncollectible`: whether what was earned on an invoice that is marked uncollectible is taken back from revenue
    (`contra`), or is an `expense`. `catch_up`: whether what is earned before the invoice is finalized stays on its own
    days (`none`), or moves to the day of booking (`booked`), as Stripe's catch-up revenue does
    (https://docs.stripe.com/revenue-recognition/revenue-settings).
    """

    time_zone: str = "UTC"
    uncollectible: Uncollectible = "contra"
    catch_up: CatchUp = "none"


class BilledLine(NamedTuple):
    """A line's amount in minor units, after discounts and without included tax, and its service period."""

    net_amount: int
    period_start: int
    period_end: int


class Moment(NamedTuple):
    """When something happened at Stripe; estimated if Stripe does not say and the event's own time stands in."""

    at: int
    is_estimated: bool = False


class Transitions(NamedTuple):
    """When an invoice was finalized and what became of it; None if that did not happen.

    `paid` matters only after `uncollectible`: revenue does not wait for payment.
    """

    finalized: Moment
    uncollectible: Moment | None = None
    voided: Moment | None = None
    paid: Moment | None = None


class Credit(NamedTuple):
    """What a credit note takes from one line, from the day it is effective until it is voided."""

    credit_id: str
    amount: int
    effective: Moment
    voided: Moment | None = None
    cause: CreditCause = "credit_note"


def transitions_of(status: str, said: StatusDates, seen_at: Mapping[str, int]) -> Transitions:
    """Return an invoice's transitions. Where Stripe says no time, the event that first showed a status stands in.

    The status decides, not the times: an invoice can be uncollectible first, and then paid or void; one that is paid
    at once has no transition. `seen_at` has the times of such events by status, and as `finalized` of the first one.
    """
    was_uncollectible = said.marked_uncollectible_at is not None or "uncollectible" in seen_at
    is_uncollectible = status == "uncollectible" or was_uncollectible
    return Transitions(
        finalized=_moment(said.finalized_at, seen_at.get("finalized", 0)),
        uncollectible=(
            _moment(said.marked_uncollectible_at, seen_at.get("uncollectible", 0)) if is_uncollectible else None
        ),
        voided=_moment(said.voided_at, seen_at.get("void", 0)) if status == "void" else None,
        paid=_moment(said.paid_at, seen_at.get("paid", 0)) if status == "paid" and is_uncollectible else None,
    )


def _moment(said: int | None, seen_at: int) -> Moment:
    return Moment(seen_at, is_estimated=True) if said is None else Moment(said)
