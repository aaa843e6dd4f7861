"""Compute the expected revenue table from the records with the simplest possible algorithm.

It shares no code with the rendering of Stripe's JSON, so that it does not repeat a mistake made there.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.records.records import CreditNote, Discount, Invoice, Line, Price, Tax

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
    notes: dict[str, list[CreditNote]] = {}
    for note in account.ledger(livemode=livemode).credit_notes:
        notes.setdefault(note.invoice.id, []).append(note)
    for invoice in sorted(invoices, key=lambda invoice: invoice.id):
        if invoice.status == "draft":
            continue
        credited = _credited(invoice, notes.get(invoice.id, []))
        for line in sorted(invoice.lines, key=lambda line: line.id):
            yield _row(invoice, line, credited=credited[line.id], livemode=livemode)


def _row(invoice: Invoice, line: Line, *, credited: int, livemode: bool) -> Row:
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
        "customer_email": invoice.customer.email,
        "invoice_id": invoice.id,
        "invoice_number": invoice.number,
        "invoice_status": invoice.status,
        "invoice_complete": True,
        "credited_amount": credited,
        "livemode": livemode,
    }


def net_of(amount: int, discounts: Iterable[Discount], taxes: Iterable[Tax]) -> int:
    """Return an amount after discounts and without included tax."""
    return amount - sum(cut.amount for cut in discounts) - sum(tax.amount for tax in taxes if tax.inclusive)


def _credited(invoice: Invoice, notes: Iterable[CreditNote]) -> dict[str, int]:
    """Return what issued credit notes take from each line, in the order of their days and ids, and never beyond 0."""
    net = {line.id: net_of(line.amount, line.discounts, line.taxes) for line in invoice.lines}
    left = dict(net)
    for note in sorted(notes, key=lambda note: (note.effective_at // 86_400, note.id)):
        if note.status != "issued":
            continue
        for line_id, amount in takes_of(note, invoice).items():
            low, high = sorted((0, left[line_id]))
            left[line_id] -= int(min(max(amount, low), high))
    return {line_id: net[line_id] - left[line_id] for line_id in net}


def takes_of(note: CreditNote, invoice: Invoice) -> dict[str, int]:
    """Return what a credit note asks of each line of its invoice."""
    net = {line.id: net_of(line.amount, line.discounts, line.taxes) for line in invoice.lines}
    takes = dict.fromkeys(net, 0)
    custom = 0
    for line in note.lines:
        amount = net_of(line.amount, line.discounts, line.taxes)
        if line.line_id is None:
            custom += amount
        else:
            takes[line.line_id] += amount
    reached, total = 0, sum(net.values())
    for line_id in sorted(net) if total else ():
        before, reached = reached, reached + net[line_id]
        # `round` rounds half to even.
        takes[line_id] += round(Fraction(custom * reached, total)) - round(Fraction(custom * before, total))
    return takes


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
