"""What the credit notes of an invoice take from its lines. Pure.

A credit note takes the amount of each of its lines, less discounts and included tax, from the invoice line that it
names. Custom amounts are spread over all lines of the invoice by their net amounts, rounded cumulatively in the order
of their ids. Nothing is taken beyond 0: the rest is unapplied. Credit notes come in the order of their days, then ids.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from events.stripe.observations import CreditNoteHeader, CreditNoteLine
from projections.revenue.state import CreditNoteState, InvoiceState

_DAY_SECONDS = 86_400


class Applied(NamedTuple):
    """What a credit note takes from lines, by their ids in order, and what finds no line; in minor units."""

    lines: dict[str, int]
    unapplied: int


def applied_credits(invoice: InvoiceState) -> dict[str, Applied]:
    """Return what each issued credit note takes, by its id. Those that wait for their invoice take nothing yet."""
    is_known = invoice.header is not None and not invoice.is_deleted
    lines = invoice.lines.value if invoice.lines and is_known else ()
    left = {line.line_id: line.amount - line.discount_amount - line.tax_amount for line in lines}
    net, currencies = dict(left), {line.currency for line in lines}
    applied: dict[str, Applied] = {}
    for _, note_id, header, asked in sorted(_issued(invoice.credit_notes)):
        wished: dict[str, int] = {}
        if currencies <= {header.currency}:
            wished = _wished(asked, net if invoice.is_complete else {}, left)
        taken = {line_id: _within(wish, left[line_id]) for line_id, wish in wished.items()}
        for line_id, amount in taken.items():
            left[line_id] -= amount
        total = sum(line.amount for line in asked)
        given = {line_id: taken[line_id] for line_id in sorted(taken) if taken[line_id]}
        applied[note_id] = Applied(given, total - sum(given.values()))
    return applied


def credited_amounts(invoice: InvoiceState) -> dict[str, int]:
    """Return what all issued credit notes together take from each line that they take anything from."""
    credited: dict[str, int] = {}
    for one in applied_credits(invoice).values():
        for line_id, amount in one.lines.items():
            credited[line_id] = credited.get(line_id, 0) + amount
    return {line_id: amount for line_id, amount in credited.items() if amount}


def spread(amount: int, net: Mapping[str, int]) -> dict[str, int]:
    """Spread an amount over lines by their net amounts, rounding half to even, so that the shares add up to it.

    Nothing if the net amounts add up to 0, for then there is nothing to go by.
    """
    total = sum(net.values())
    if not total:
        return {}
    shares, reached, given = {}, 0, 0
    for line_id in sorted(net):
        reached += net[line_id]
        upto = _rounded(amount * reached, total)
        shares[line_id], given = upto - given, upto
    return shares


def _issued(
    notes: Mapping[str, CreditNoteState],
) -> Iterable[tuple[int, str, CreditNoteHeader, tuple[CreditNoteLine, ...]]]:
    for note_id, note in notes.items():
        # The lines of a credit note are one set, like those of an invoice: a part of them takes nothing.
        if note.status and note.header and note.lines and note.is_complete and note.status.value.status == "issued":
            yield note.header.value.effective_at // _DAY_SECONDS, note_id, note.header.value, note.lines.value


def _wished(asked: Iterable[CreditNoteLine], net: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
    wished: dict[str, int] = {}
    custom = 0
    for line in asked:
        if line.invoice_line_id is None:
            custom += line.amount
        elif line.invoice_line_id in known:
            wished[line.invoice_line_id] = wished.get(line.invoice_line_id, 0) + line.amount
    for line_id, share in spread(custom, net).items():
        wished[line_id] = wished.get(line_id, 0) + share
    return wished


def _within(wish: int, left: int) -> int:
    return max(min(wish, max(left, 0)), min(left, 0))


def _rounded(numerator: int, denominator: int) -> int:
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator, denominator)
    is_up = 2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1)
    return whole + is_up
