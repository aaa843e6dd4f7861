"""Render invoices as Stripe does, in the shape of any API version, with their first ten lines."""

from typing import Any

from sandbox.stripe.records.records import Invoice
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.catalog import address_in
from sandbox.stripe.render.invoice_shapes import amount_per_discount, discounts_of_the_invoice, new_keys, old_keys
from sandbox.stripe.render.lines import render_line

Json = dict[str, Any]
EMBEDDED_LINES = 10

# Keys that every real invoice has and whose values are always empty here.
_EMPTY: Json = {
    "account_tax_ids": None,
    "application": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "status": None},
    "custom_fields": None,
    "customer_phone": None,
    "customer_shipping": None,
    "customer_tax_ids": [],
    "default_payment_method": None,
    "default_source": None,
    "default_tax_rates": [],
    "due_date": None,
    "footer": None,
    "from_invoice": None,
    "invoice_pdf": None,
    "last_finalization_error": None,
    "latest_revision": None,
    "next_payment_attempt": None,
    "on_behalf_of": None,
    "receipt_number": None,
    "rendering": None,
    "shipping_cost": None,
    "shipping_details": None,
    "statement_descriptor": None,
    "test_clock": None,
}


def render_invoice(invoice: Invoice, shape: Shape, *, livemode: bool, account_name: str) -> Json:
    """Return an invoice as it is now."""
    answer = _EMPTY | _plain_keys(invoice, livemode=livemode) | _money(invoice)
    answer["account_name"] = account_name
    answer["lines"] = _embedded_lines(invoice, shape, livemode=livemode)
    if shape.old:
        answer |= old_keys(invoice)
    if shape.new:
        answer |= new_keys(invoice)
    if shape.line_subtotal:
        answer["customer_account"] = None
    if shape.status_details and invoice.status == "uncollectible":
        answer["status_details"] = {"uncollectible": {"reason": "payment_not_received"}}
    return answer


def _plain_keys(invoice: Invoice, *, livemode: bool) -> Json:
    draft = invoice.status == "draft"
    due_by_itself = draft and invoice.auto_advance
    customer = invoice.customer
    return {
        "id": invoice.id,
        "object": "invoice",
        "account_country": "US",
        "attempt_count": 0 if invoice.paid_at is None else 1,
        "attempted": invoice.paid_at is not None,
        "auto_advance": due_by_itself,
        "automatically_finalizes_at": invoice.created + 3600 if due_by_itself else None,
        "billing_reason": invoice.billing_reason,
        "collection_method": "charge_automatically",
        "created": invoice.created,
        "currency": invoice.currency,
        "customer": customer.id,
        "customer_address": address_in(customer.country),
        "customer_email": customer.email,
        # A draft follows the customer; a finalized invoice keeps the name it was billed to.
        "customer_name": customer.name if draft else invoice.frozen_name,
        "customer_tax_exempt": "none",
        "description": invoice.description,
        "discounts": discounts_of_the_invoice(invoice),
        "effective_at": invoice.finalized_at,
        "hosted_invoice_url": None if draft else f"https://invoice.stripe.test/i/{invoice.id}",
        "issuer": {"type": "self"},
        "livemode": livemode,
        "metadata": dict(invoice.metadata or {}),
        "number": invoice.number,
        "period_end": invoice.created,
        "period_start": invoice.created,
        "status": invoice.status,
        "status_transitions": {
            "finalized_at": invoice.finalized_at,
            "marked_uncollectible_at": invoice.uncollectible_at,
            "paid_at": invoice.paid_at,
            "voided_at": invoice.voided_at,
        },
        "webhooks_delivered_at": invoice.created,
    }


def _money(invoice: Invoice) -> Json:
    lines = invoice.lines
    total, due = invoice.total, invoice.amount_due
    inclusive = sum(tax.amount for line in lines for tax in line.taxes if tax.inclusive)
    exclusive = sum(tax.amount for line in lines for tax in line.taxes if not tax.inclusive)
    # The subtotal already contains discounts of single lines, but not those of the whole invoice.
    subtotal = sum(line.amount for line in lines) - sum(
        cut.amount for line in lines for cut in line.discounts if not cut.on_invoice
    )
    paid = due if invoice.status == "paid" else 0
    return {
        "amount_due": due,
        "amount_paid": paid,
        "amount_remaining": due - paid,
        "amount_shipping": 0,
        "ending_balance": None if invoice.status == "draft" else min(total, 0),
        "post_payment_credit_notes_amount": invoice.credited_after_payment,
        "pre_payment_credit_notes_amount": invoice.credited_before_payment,
        "starting_balance": 0,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_discount_amounts": amount_per_discount(invoice),
        "total_excluding_tax": total - inclusive - exclusive,
    }


def _embedded_lines(invoice: Invoice, shape: Shape, *, livemode: bool) -> Json:
    return {
        "object": "list",
        "data": [render_line(line, invoice, shape, livemode=livemode) for line in invoice.lines[:EMBEDDED_LINES]],
        "has_more": len(invoice.lines) > EMBEDDED_LINES,
        "total_count": len(invoice.lines),
        "url": f"/v1/invoices/{invoice.id}/lines",
    }
