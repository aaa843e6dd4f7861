"""Compute the expected revenue table from the records with the simplest possible algorithm.

It shares no code with the rendering of Stripe's JSON, so that it does not repeat a mistake made there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.records.records import Invoice, Line, Price

Row = dict[str, Any]

_EXPONENTS = {"usd": 2, "eur": 2, "gbp": 2, "cad": 2, "isk": 2, "ugx": 2, "huf": 2, "twd": 2}
_EXPONENTS |= {"jpy": 0, "krw": 0, "clp": 0, "vnd": 0, "kwd": 3, "bhd": 3, "jod": 3, "omr": 3, "tnd": 3}

_CADENCES = {
    ("month", 1): "monthly",
    ("month", 3): "quarterly",
    ("month", 6): "semi_annual",
    ("month", 12): "annual",
    ("year", 1): "annual",
}


def revenue_table(account: Account, *, livemode: bool) -> list[Row]:
    """Return all rows the account must have, sorted by invoice id and line id."""
    with account.ledger(livemode=livemode).lock:
        return list(revenue_rows(account, livemode=livemode))


def revenue_rows(account: Account, *, livemode: bool) -> Iterator[Row]:
    """Yield the same rows one by one, for accounts too large to hold in memory twice.

    A row is a `revenue_line` without `position` and `updated_at`. Drafts and deleted drafts have no rows.
    """
    invoices = account.ledger(livemode=livemode).invoices
    for invoice in sorted(invoices, key=lambda invoice: invoice.id):
        if invoice.status == "draft":
            continue
        for line in sorted(invoice.lines, key=lambda line: line.id):
            yield _row(invoice, line, livemode=livemode)


def _row(invoice: Invoice, line: Line, *, livemode: bool) -> Row:
    discount = 0
    for cut in line.discounts:
        discount += cut.amount
    included_tax = 0
    for tax in line.taxes:
        if tax.inclusive:
            included_tax += tax.amount
    return {
        "object": "revenue_line",
        "invoice_line_item_id": line.id,
        "subscription_id": line.subscription_id or invoice.subscription_id,
        "customer_name": invoice.customer.last_known_name,
        "customer_id": invoice.customer.id,
        "description": line.description,
        "date": _instant(line.period_start)[:10],
        "amount": line.amount,
        "currency": invoice.currency,
        "currency_exponent": _EXPONENTS[invoice.currency],
        "discount_amount": discount,
        "tax_amount": included_tax,
        "net_amount": line.amount - discount - included_tax,
        **_cadence_fields(line.price),
        "period": {"start": _instant(line.period_start), "end": _instant(line.period_end)},
        "proration": line.proration,
        "quantity": line.quantity,
        "customer_name_on_invoice": invoice.frozen_name,
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "invoice_status": invoice.status,
        "invoice_complete": True,
        "livemode": livemode,
    }


def _cadence_fields(price: Price | None) -> Row:
    """Return the fields that depend on the price: whether it is one-time or recurring, and how often it bills."""
    if price is None:
        return {
            "type": "one_time",
            "cadence": "one_time",
            "interval": None,
            "cadence_source": "no_price",
            "price_id": None,
            "price_name": None,
            "product_id": None,
            "product_name": None,
        }
    ids = {
        "cadence_source": "price",
        "price_id": price.id,
        "price_name": price.nickname or price.lookup_key,
        "product_id": price.product.id,
        "product_name": price.product.name,
    }
    if price.interval is None:
        return {"type": "one_time", "cadence": "one_time", "interval": None, **ids}
    return {
        "type": "recurring",
        "cadence": _CADENCES.get((price.interval, price.interval_count), "other"),
        "interval": {"unit": price.interval, "count": price.interval_count},
        **ids,
    }


def _instant(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
