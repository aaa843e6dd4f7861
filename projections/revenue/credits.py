"""What the credit notes of an invoice take from its lines. Pure.

A credit note takes the amount of each of its lines, less discounts and included tax, from the invoice line that it
names. Custom amounts are spread over all lines of the invoice by their net amounts, rounded cumulatively in the order
of their ids. Nothing is taken beyond 0: the rest is unapplied. Credit notes come in the order of their days, then ids.
"""

from collections.abc import Mapping
from typing import NamedTuple

from events.stripe.observations import CreditNoteHeader, CreditNoteLine
from projections.recognition.billing import Credit, Moment
from projections.recognition.rounding import shared_out
from projections.revenue.state import CreditNoteState, InvoiceState

_DAY_SECONDS = 86_400


class Applied(NamedTuple):
    """What a credit note takes from lines, by their ids in order, and what finds no line; in minor units."""

    lines: dict[str, int]
    unapplied: int


def applied_credits(invoice: InvoiceState) -> dict[str, Applied]:
    """Return what each issued credit note takes, by its id. Those that wait for their invoice take nothing yet."""
    net = _net_amounts(invoice)
    left = dict(net)
    applied: dict[str, Applied] = {}
    for asked in _asked(invoice.credit_notes):
        if asked.voided is not None:
            continue
        taken = {line_id: _within(wish, left[line_id]) for line_id, wish in _wished(asked, invoice, net).items()}
        for line_id, amount in taken.items():
            left[line_id] -= amount
        total = sum(line.amount for line in asked.lines)
        given = {line_id: taken[line_id] for line_id in sorted(taken) if taken[line_id]}
        applied[asked.note_id] = Applied(given, total - sum(given.values()))
    return applied


def credited_amounts(invoice: InvoiceState) -> dict[str, int]:
    """Return what all issued credit notes together take from each line that they take anything from."""
    credited: dict[str, int] = {}
    for one in applied_credits(invoice).values():
        for line_id, amount in one.lines.items():
            credited[line_id] = credited.get(line_id, 0) + amount
    return credited


def credits_by_line(invoice: InvoiceState) -> dict[str, tuple[Credit, ...]]:
    """Return the credits of each line that has any, void ones too: what they ask for, not yet kept within the line.

    What would make a line worth more is left out, as nothing is taken then.
    """
    net = _net_amounts(invoice)
    credits_of: dict[str, tuple[Credit, ...]] = {}
    for asked in _asked(invoice.credit_notes):
        effective = Moment(asked.header.effective_at)
        for line_id, wish in _wished(asked, invoice, net).items():
            if wish * net[line_id] > 0:
                credit = Credit(asked.note_id, wish, effective, asked.voided)
                credits_of[line_id] = (*credits_of.get(line_id, ()), credit)
    return credits_of


def spread(amount: int, net: Mapping[str, int]) -> dict[str, int]:
    """Spread an amount over lines by their net amounts, rounding half to even, so that the shares add up to it.

    Nothing if the net amounts add up to 0, for then there is nothing to go by.
    """
    total, line_ids = sum(net.values()), sorted(net)
    if not total:
        return {}
    return dict(zip(line_ids, shared_out(amount, map(net.__getitem__, line_ids), total), strict=True))


class _Asked(NamedTuple):
    """A credit note whose lines are all known, and since when it is void."""

    note_id: str
    header: CreditNoteHeader
    lines: tuple[CreditNoteLine, ...]
    voided: Moment | None

    @property
    def place(self) -> tuple[int, str]:
        """Return its place in the order in which credit notes take."""
        return self.header.effective_at // _DAY_SECONDS, self.note_id


def _net_amounts(invoice: InvoiceState) -> dict[str, int]:
    is_known = invoice.header is not None and not invoice.is_deleted
    lines = invoice.lines.value if invoice.lines and is_known else ()
    return {line.line_id: line.amount - line.discount_amount - line.tax_amount for line in lines}


def _asked(notes: Mapping[str, CreditNoteState]) -> list[_Asked]:
    # The lines of a credit note are one set, like those of an invoice: a part of them takes nothing.
    asked = (
        _Asked(note_id, note.header.value, note.lines.value, note.voided)
        for note_id, note in notes.items()
        if note.status and note.header and note.lines and note.is_complete
    )
    return sorted(asked, key=lambda one: one.place)


def _wished(asked: _Asked, invoice: InvoiceState, net: Mapping[str, int]) -> dict[str, int]:
    if invoice.lines is None or any(line.currency != asked.header.currency for line in invoice.lines.value):
        return {}
    wished: dict[str, int] = {}
    custom = 0
    for line in asked.lines:
        if line.invoice_line_id is None:
            custom += line.amount
        elif line.invoice_line_id in net:
            wished[line.invoice_line_id] = wished.get(line.invoice_line_id, 0) + line.amount
    for line_id, share in (spread(custom, net) if invoice.is_complete else {}).items():
        wished[line_id] = wished.get(line_id, 0) + share
    return wished


def _within(wish: int, left: int) -> int:
    return max(min(wish, max(left, 0)), min(left, 0))
