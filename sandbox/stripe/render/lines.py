"""Render invoice lines as Stripe does: `price` and `plan` inline before basil, `parent` and `pricing` since."""

from typing import Any

from sandbox.stripe.records.ids import sibling
from sandbox.stripe.records.records import Discount, Invoice, Line, Tax
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.catalog import render_plan, render_price

Json = dict[str, Any]


def render_line(line: Line, invoice: Invoice, shape: Shape, *, livemode: bool) -> Json:
    """Return a line of an invoice in the shape of an API version."""
    answer: Json = {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": invoice.currency,
        "description": line.description,
        "discount_amounts": [_discount_amount(cut) for cut in line.discounts],
        "discountable": line.discountable,
        "discounts": [cut.id for cut in line.discounts if not cut.on_invoice],
        "invoice": invoice.id,
        "livemode": livemode,
        "metadata": dict(line.metadata or {}),
        "period": {"end": line.period_end, "start": line.period_start},
        "quantity": None if line.quantity is None else int(line.quantity.partition(".")[0]),
    }
    if shape.old:
        answer |= _old_keys(line, livemode=livemode)
    if shape.new:
        answer |= _new_keys(line)
    if shape.line_subtotal:
        answer["subtotal"] = line.amount
    if shape.quantity_decimal:
        answer["quantity_decimal"] = line.quantity
    return answer


def _old_keys(line: Line, *, livemode: bool) -> Json:
    price = line.price
    without_tax = line.amount - sum(tax.amount for tax in line.taxes if tax.inclusive)
    recurring = price is not None and price.interval is not None
    return {
        "amount_excluding_tax": without_tax,
        "invoice_item": _invoice_item(line),
        "plan": render_plan(price, livemode=livemode) if price is not None and recurring else None,
        "price": render_price(price, livemode=livemode) if price is not None else None,
        "proration": line.proration,
        "proration_details": _proration_details(line),
        "subscription": line.subscription_id,
        **({"subscription_item": _subscription_item(line)} if line.from_subscription else {}),
        "tax_amounts": [
            {
                "amount": tax.amount,
                "inclusive": tax.inclusive,
                "tax_rate": tax.rate,
                "taxability_reason": "standard_rated",
                "taxable_amount": tax.taxable_amount,
            }
            for tax in line.taxes
        ],
        "tax_rates": [],
        "type": "subscription" if line.from_subscription and not line.proration else "invoiceitem",
        "unit_amount_excluding_tax": str(without_tax),
    }


def _new_keys(line: Line) -> Json:
    details = {
        "invoice_item": _invoice_item(line),
        "proration": line.proration,
        "proration_details": _proration_details(line),
        "subscription": line.subscription_id,
    }
    if line.from_subscription:
        details["subscription_item"] = _subscription_item(line)
    return {
        "parent": {
            "invoice_item_details": None if line.from_subscription else details,
            "subscription_item_details": details if line.from_subscription else None,
            "type": "subscription_item_details" if line.from_subscription else "invoice_item_details",
        },
        "pretax_credit_amounts": [_discount_amount(cut) | {"type": "discount"} for cut in line.discounts],
        "pricing": _pricing(line),
        "taxes": [render_tax(tax) for tax in line.taxes],
    }


def render_tax(tax: Tax) -> Json:
    """Return a tax as lines and invoices show it since basil."""
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate},
        "taxability_reason": "standard_rated",
        "taxable_amount": tax.taxable_amount,
        "type": "tax_rate_details",
    }


def _pricing(line: Line) -> Json | None:
    if line.price is None:
        return None
    return {
        "price_details": {"price": line.price.id, "product": line.price.product.id},
        "type": "price_details",
        # Stripe omits the unit amount of prorations, because the line covers part of a period.
        "unit_amount_decimal": None if line.proration else str(line.price.unit_amount),
    }


def _proration_details(line: Line) -> Json:
    if line.credited is None:
        return {"credited_items": None}
    return {"credited_items": {"invoice": line.credited.invoice_id, "invoice_line_items": [line.credited.line_id]}}


def _invoice_item(line: Line) -> str | None:
    return None if line.from_subscription and not line.proration else sibling(line.id, "ii")


def _subscription_item(line: Line) -> str | None:
    if not line.from_subscription or line.subscription_id is None:
        return None
    return sibling(line.subscription_id, "si")


def _discount_amount(cut: Discount) -> Json:
    return {"amount": cut.amount, "discount": cut.id}
