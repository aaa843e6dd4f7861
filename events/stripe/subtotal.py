"""Read an invoice's subtotal, which its lines must add up to though Stripe computes it on its own. Pure.

A subtotal contains inclusive tax, and the discounts of single lines are taken off already; discounts of the whole
invoice and exclusive tax are not in it. https://docs.stripe.com/api/invoices/object#invoice_object-subtotal
"""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from events.stripe.decoding import decoded
from events.stripe.shapes import Discount, MinorUnits


class _Cut(Discount):
    discount: Any = None


class _Line(Struct):
    discounts: Any = None
    discount_amounts: list[_Cut] | None = None


class _Lines(Struct):
    data: list[_Line]


class _Invoice(Struct):
    subtotal: MinorUnits | None = None
    lines: _Lines | None = None


class Subtotal(NamedTuple):
    """An invoice's subtotal, and the discounts of single lines among the lines that came with it, in minor units."""

    amount: int | None
    line_discounts: int | None


_INVOICE = msgspec.json.Decoder(_Invoice)
_LINES = msgspec.json.Decoder(_Lines)
_NOTHING = Subtotal(None, None)


def subtotal_of(invoice: bytes) -> Subtotal:
    """Return what an invoice says, or nothing if it cannot be read: whoever reads its lines says why."""
    try:
        read = decoded(invoice, _INVOICE)
    except msgspec.MsgspecError:
        return _NOTHING
    return Subtotal(read.subtotal, _line_discounts(read.lines) if read.lines else None)


def line_discounts_of(lines: bytes) -> int | None:
    """Return what discounts of single lines take off, in minor units; None if the lines do not tell."""
    try:
        return _line_discounts(decoded(lines, _LINES))
    except msgspec.MsgspecError:
        return None


def _line_discounts(lines: _Lines) -> int | None:
    total = 0
    for line in lines.data:
        if line.discount_amounts:
            if not isinstance(line.discounts, list):
                return None
            own = [_id(one) for one in line.discounts]
            total += sum(cut.amount for cut in line.discount_amounts if _id(cut.discount) in own)
    return total


def _id(reference: object) -> object:
    return reference.get("id") if isinstance(reference, dict) else reference
