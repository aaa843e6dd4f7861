"""Lay a credit note on the lines of its invoice. Pure.

https://docs.stripe.com/api/credit_notes/line_item: a line of a credit note names an invoice line item, or is a custom
one that names none. What it takes from revenue is its amount after its discounts and its included tax, whether it was
issued before or after payment.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from projections.recognition.billing import Credit
from projections.recognition.days import day_of
from projections.recognition.rounding import shared_out
from projections.recognition.steps import amount_left


class CreditNoteLine(NamedTuple):
    """A line of a credit note; `line_id` is None if it is a custom one."""

    line_id: str | None
    amount: int
    discount_amount: int = 0
    included_tax_amount: int = 0

    @property
    def net_amount(self) -> int:
        """Return what it takes from revenue."""
        return self.amount - self.discount_amount - self.included_tax_amount


class Laid(NamedTuple):
    """What a credit note takes from each invoice line, and what it could not be laid on."""

    by_line: dict[str, int]
    unapplied_amount: int


def laid_on_lines(note: Iterable[CreditNoteLine], net_amounts: Mapping[str, int]) -> Laid:
    """Return what a note takes from the lines of its invoice, given by id with their net amounts.

    Custom amounts are shared out over all lines in proportion to their signed net amounts, in the order of their ids.
    """
    taken: dict[str, int] = {}
    custom = unapplied = 0
    for line in note:
        if line.line_id is None:
            custom += line.net_amount
        elif line.line_id in net_amounts:
            taken[line.line_id] = taken.get(line.line_id, 0) + line.net_amount
        else:
            unapplied += line.net_amount
    total = sum(net_amounts.values())
    if not custom or not total:
        return Laid(taken, unapplied + custom)
    ids = sorted(net_amounts)
    for line_id, amount in zip(ids, shared_out(custom, map(net_amounts.__getitem__, ids), total), strict=True):
        if amount:
            taken[line_id] = taken.get(line_id, 0) + amount
    return Laid(taken, unapplied)


def unapplied_amounts(net_amount: int, credits_of_line: Iterable[Credit], zone: ZoneInfo) -> dict[str, int]:
    """Return by credit id what goes beyond the line's amount, of credits that stand."""
    standing = [credit for credit in credits_of_line if credit.voided is None]
    standing.sort(key=lambda credit: (day_of(credit.effective.at, zone), credit.credit_id))
    unapplied, credited, left = {}, 0, net_amount
    for credit in standing:
        credited += credit.amount
        before, left = left, amount_left(net_amount, credited)
        if before - left != credit.amount:
            unapplied[credit.credit_id] = credit.amount - (before - left)
    return unapplied
