"""A line's dated amounts a second time, each from all that happened until then, to check the steps by. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from projections.recognition.billing import Credit, Moment, Transitions
from projections.recognition.days import LAST_SECOND

# Credits before statuses, by id, and what is done before what undoes it.
_Order = tuple[int, str, int]


class Change(NamedTuple):
    """A change of a line's amount on a day, and why."""

    cause: str
    day: date
    before: int
    after: int


def changes_from_scratch(
    net_amount: int, transitions: Transitions, credits_of_line: Sequence[Credit], zone: ZoneInfo
) -> Iterator[Change]:
    """Yield the billing of a line, then its changes by day."""
    noted = [*_notes(credits_of_line), *_statuses(transitions)]
    dated = sorted((day_in(moment.at, zone), order, cause) for moment, order, cause in noted)
    yield Change("billing", day_in(transitions.finalized.at, zone), 0, net_amount)
    before = net_amount
    for place, (day, _, cause) in enumerate(dated, start=1):
        after = _amount_in_force(net_amount, credits_of_line, [(order, what) for _, order, what in dated[:place]])
        yield Change(cause, day, before, after)
        before = after


def day_in(second: int, zone: ZoneInfo) -> date:
    """Return the day on which a Unix second falls in a time zone."""
    return datetime.fromtimestamp(min(second, LAST_SECOND), UTC).astimezone(zone).date()


def _notes(credits_of_line: Sequence[Credit]) -> Iterator[tuple[Moment, _Order, str]]:
    for credit in credits_of_line:
        yield credit.effective, (0, credit.credit_id, 0), credit.cause
        if credit.voided:
            yield max(credit.voided, credit.effective), (0, credit.credit_id, 1), credit.cause


def _statuses(transitions: Transitions) -> Iterator[tuple[Moment, _Order, str]]:
    written_off, paid, voided = transitions.uncollectible, transitions.paid, transitions.voided
    if written_off:
        yield written_off, (1, "", 0), "uncollectible"
    if written_off and paid:
        yield max(written_off, paid), (1, "", 1), "recovered"
    if voided:
        yield max(written_off or voided, voided), (1, "", 1), "void"


def _amount_in_force(net: int, credits_of_line: Sequence[Credit], so_far: list[tuple[_Order, str]]) -> int:
    """Return a line's amount after what happened so far, from scratch."""
    happened = [order for order, _ in so_far]
    statuses = [cause for (rank, _, _), cause in so_far if rank]
    if statuses and statuses[-1] != "recovered":
        return 0
    standing = sum(
        credit.amount
        for credit in credits_of_line
        if (0, credit.credit_id, 0) in happened and (0, credit.credit_id, 1) not in happened
    )
    return max(net - standing, 0) if net > 0 else min(net - standing, 0) if net < 0 else 0
