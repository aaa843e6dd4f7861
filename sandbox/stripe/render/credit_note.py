"""Render credit notes as Stripe does, in the shape of any API version, with their first ten lines."""

from typing import Any

from sandbox.stripe.records.records import CreditNote, CreditNoteLine
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.lines import render_tax

Json = dict[str, Any]
EMBEDDED_LINES = 10


def render_credit_note(note: CreditNote, shape: Shape, *, livemode: bool) -> Json:
    """Return a credit note as it is now."""
    discount = sum(cut.amount for line in note.lines for cut in line.discounts)
    inclusive = sum(tax.amount for line in note.lines for tax in line.taxes if tax.inclusive)
    exclusive = sum(tax.amount for line in note.lines for tax in line.taxes if not tax.inclusive)
    kinds = {(True, False): "pre_payment", (False, True): "post_payment"}
    answer: Json = {
        "id": note.id,
        "object": "credit_note",
        "amount": note.amount,
        "amount_shipping": 0,
        "created": note.created,
        "currency": note.invoice.currency,
        "customer": note.invoice.customer.id,
        "customer_balance_transaction": None,
        "discount_amount": discount,
        "discount_amounts": [],
        "effective_at": note.effective_at,
        "invoice": note.invoice.id,
        "lines": {
            "object": "list",
            "data": [render_credit_note_line(line, shape, livemode=livemode) for line in note.lines[:EMBEDDED_LINES]],
            "has_more": len(note.lines) > EMBEDDED_LINES,
            "url": f"/v1/credit_notes/{note.id}/lines",
        },
        "livemode": livemode,
        "memo": None,
        "metadata": {},
        "number": note.number,
        "out_of_band_amount": None,
        "post_payment_amount": note.amount - note.before_payment,
        "pre_payment_amount": note.before_payment,
        "reason": note.reason,
        "shipping_cost": None,
        "status": note.status,
        "subtotal": note.amount - exclusive,
        "subtotal_excluding_tax": note.amount - exclusive - inclusive,
        "total": note.amount,
        "total_excluding_tax": note.amount - exclusive - inclusive,
        "type": kinds.get((bool(note.before_payment), note.amount > note.before_payment), "post_payment"),
        "voided_at": note.voided_at,
    }
    return answer


def render_credit_note_line(line: CreditNoteLine, shape: Shape, *, livemode: bool) -> Json:
    """Return a line of a credit note in the shape of an API version."""
    answer: Json = {
        "id": line.id,
        "object": "credit_note_line_item",
        "amount": line.amount,
        "description": "Credit",
        "discount_amount": sum(cut.amount for cut in line.discounts),
        "discount_amounts": [{"amount": cut.amount, "discount": cut.id} for cut in line.discounts],
        "livemode": livemode,
        "quantity": 1,
        "tax_rates": [],
        "type": "custom_line_item" if line.line_id is None else "invoice_line_item",
        "unit_amount": line.amount,
        "unit_amount_decimal": str(line.amount),
    }
    if line.line_id is not None:
        answer["invoice_line_item"] = line.line_id
    if shape.old:
        answer["tax_amounts"] = [
            {"amount": tax.amount, "inclusive": tax.inclusive, "tax_rate": tax.rate} for tax in line.taxes
        ]
    if shape.new:
        answer["taxes"] = [render_tax(tax) for tax in line.taxes]
    return answer
