"""Read a credit note and its lines, in the shapes of all API versions. Pure.

A line's amount is before discounts and excludes exclusive tax. https://docs.stripe.com/api/credit_notes/line_item
"""

import re

from msgspec import UNSET

from events.stripe import credit_note_shapes as wire
from events.stripe.money import exponent_of
from events.stripe.observations import (
    CreditNoteHeader,
    CreditNoteLine,
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CreditNoteStatus,
)

STATUSES = ("issued", "void")
_LARGEST_AMOUNT = 2**63 - 1
# What msgspec says of JSON that has not the right shape: https://jcristharif.com/msgspec/
_MISSING = re.compile(r"missing required field `(\w+)`")
_PLACE = re.compile(r" at `([^`]*)`")


class UnclearCreditNoteError(ValueError):
    """The JSON has the right shape, but its values cannot be right. The message is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The credit note takes nothing from revenue, because {reason}")


def unreadable_credit_note(error: str) -> str:
    """Return for people what is wrong with a credit note whose JSON msgspec cannot decode."""
    missing, place = _MISSING.search(error), _PLACE.search(error)
    path = place[1] if place else ""
    field = missing[1] if missing else path.rpartition(".")[2]
    if not field.isidentifier():
        return str(UnclearCreditNoteError("what Stripe sent is no credit note"))
    whose = f"the {field} of one of its lines" if "lines.data[" in path else f"its {field}"
    return str(UnclearCreditNoteError(f"{whose} is {'missing' if missing else 'not what Stripe documents'}"))


def credit_note_seen(note: wire.CreditNote) -> CreditNoteSeen:
    """Read a credit note with the lines that came with it.

    :raises UnclearCreditNoteError: an unknown status, or as `credit_note_lines_seen`
    :raises UnknownCurrencyError: a currency whose decimals were not checked
    """
    if note.status not in STATUSES:
        raise UnclearCreditNoteError(f"its status {note.status!r} is neither issued nor void")
    exponent_of(note.currency)
    effective_at = note.created if note.effective_at is None else note.effective_at
    return CreditNoteSeen(
        note.invoice if isinstance(note.invoice, str) else note.invoice.id,
        note.id,
        CreditNoteStatus(note.status, note.voided_at if note.status == "void" else None),
        CreditNoteHeader(note.number, note.currency, note.amount, effective_at),
        _lines(note.lines),
        not note.lines.has_more,
    )


def credit_note_lines_seen(note_id: str, lines: wire.CreditNoteLines) -> CreditNoteLinesSeen:
    """Read all lines of a credit note.

    :raises UnclearCreditNoteError: lines that are not whole or name no invoice, two with one id, too large amounts
    """
    if lines.has_more or lines.invoice is None:
        raise UnclearCreditNoteError("its fetched lines are not whole, or do not name the invoice")
    return CreditNoteLinesSeen(lines.invoice, note_id, _lines(lines))


def _lines(lines: wire.CreditNoteLines) -> tuple[CreditNoteLine, ...]:
    read = tuple(sorted(map(_line, lines.data), key=lambda line: line.line_id))
    if len({line.line_id for line in read}) < len(read):
        raise UnclearCreditNoteError("two of its lines share one id")
    if sum(abs(line.amount) for line in read) > _LARGEST_AMOUNT:
        raise UnclearCreditNoteError("its lines add up to more than fits into 64 bits")
    return read


def _line(line: wire.CreditNoteLine) -> CreditNoteLine:
    named = line.invoice_line_item
    discounts = line.discount_amounts
    discount = sum([one.amount for one in discounts]) if discounts else line.discount_amount or 0
    return CreditNoteLine(
        line.id,
        named if named is None or isinstance(named, str) else named.id,
        line.amount - discount - _inclusive_tax(line),
    )


def _inclusive_tax(line: wire.CreditNoteLine) -> int:
    if line.taxes is not UNSET:
        return sum([tax.amount for tax in line.taxes if tax.tax_behavior == "inclusive"]) if line.taxes else 0
    return sum([tax.amount for tax in line.tax_amounts if tax.inclusive]) if line.tax_amounts else 0
