"""Render the parts of an invoice that differ between API versions, and the sums over its lines in both shapes."""

from typing import Any

from sandbox.stripe.records.ids import sibling
from sandbox.stripe.records.records import Discount, Invoice, Tax
from sandbox.stripe.render.lines import render_tax

Json = dict[str, Any]


def old_keys(invoice: Invoice) -> Json:
    """Return the keys of versions before basil."""
    taxes = list(_taxes_per_rate(invoice))
    charged = invoice.paid_at is not None and not invoice.paid_out_of_band and invoice.amount_due > 0
    return {
        "charge": sibling(invoice.id, "ch") if charged else None,
        "discount": None,
        "paid": invoice.status == "paid",
        "paid_out_of_band": invoice.paid_out_of_band,
        "payment_intent": sibling(invoice.id, "pi") if charged else None,
        "quote": None,
        "subscription": invoice.subscription_id,
        "subscription_details": {
            "metadata": dict(invoice.subscription_metadata or {}) if invoice.subscription_id else None
        },
        "tax": sum(tax.amount for tax in taxes) if taxes else None,
        "total_tax_amounts": [
            {
                "amount": tax.amount,
                "inclusive": tax.inclusive,
                "tax_rate": tax.rate,
                "taxability_reason": "standard_rated",
                "taxable_amount": tax.taxable_amount,
            }
            for tax in taxes
        ],
        "transfer_data": None,
    }


def new_keys(invoice: Invoice) -> Json:
    """Return the keys that basil introduced."""
    parent: Json = {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(invoice.subscription_metadata or {}),
            "subscription": invoice.subscription_id,
        },
        "type": "subscription_details",
    }
    return {
        "amount_overpaid": 0,
        "parent": parent if invoice.subscription_id else None,
        "total_pretax_credit_amounts": [cut | {"type": "discount"} for cut in amount_per_discount(invoice)],
        "total_taxes": [render_tax(tax) for tax in _taxes_per_rate(invoice)],
    }


def amount_per_discount(invoice: Invoice) -> list[Json]:
    """Return the amount of each discount over all lines."""
    amounts: dict[str, int] = {}
    for cut in _cuts(invoice):
        amounts[cut.id] = amounts.get(cut.id, 0) + cut.amount
    return [{"amount": amount, "discount": discount} for discount, amount in amounts.items()]


def discounts_of_the_invoice(invoice: Invoice) -> list[str]:
    """Return the ids of the discounts on the whole invoice."""
    return list(dict.fromkeys(cut.id for cut in _cuts(invoice) if cut.on_invoice))


def _cuts(invoice: Invoice) -> list[Discount]:
    return [cut for line in invoice.lines for cut in line.discounts]


def _taxes_per_rate(invoice: Invoice) -> list[Tax]:
    taxes: dict[tuple[str, bool], Tax] = {}
    for tax in (tax for line in invoice.lines for tax in line.taxes):
        key = tax.rate, tax.inclusive
        before = taxes.get(key, Tax(tax.rate, 0, 0, tax.inclusive))
        taxes[key] = Tax(
            tax.rate, before.amount + tax.amount, before.taxable_amount + tax.taxable_amount, tax.inclusive
        )
    return list(taxes.values())
