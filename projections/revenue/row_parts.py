"""The two parts of a row: what its invoice says of a line once for all, and what may move. Pure.

Versions of a line share the first part, lines of an invoice mostly the second. So each is made, and written out, once.
What is written out is the row's text.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from events.stripe.money import exponent_of
from events.stripe.observations import InvoiceHeader, Line
from projections.facts.sightings import Change
from projections.revenue.row import SAID, Billing, Row, billing_of
from projections.revenue.row_text import text_of, texts_of
from projections.revenue.state import HeldValue, Key, PricedAs

# (livemode, first day of the month, currency), and (status, type, cadence).
BilledMonth = tuple[bool, date, str]
Grouping = tuple[str, str, str]


class SaidPart(Struct, frozen=True, gc=False):
    """What an invoice says of a line: its text, and what keys, order and sums ask of it."""

    text: bytes
    livemode: bool
    invoice_id: str
    line_id: str
    price_id: str | None
    # What the table is ordered and looked up by.
    place: tuple[object, ...]
    day: tuple[bool, date]
    month: BilledMonth
    amount: int
    net_amount: int


class ShownPart(Struct, frozen=True, gc=False):
    """What else a row shows; its text, after a tab; and what sums are told apart by."""

    customer_name: str | None
    billing: Billing
    invoice_status: str
    is_complete: bool
    change: Change
    text: bytes
    grouping: Grouping


RowParts = tuple[SaidPart, ShownPart]


class Head(NamedTuple):
    """What an invoice says once for all its lines, and the text of it."""

    livemode: bool
    invoice_id: str
    header: InvoiceHeader
    text: str


class _Period(NamedTuple):
    day: date
    month: date
    text: str


def head_of(key: Key, header: InvoiceHeader) -> Head:
    """Give what all lines of an invoice have in common."""
    livemode, invoice_id = key
    named = texts_of(invoice_id, header.number, header.customer_id, header.customer_name)
    return Head(livemode, invoice_id, header, f"{'t' if livemode else 'f'}\t{named}")


def said_part(head: Head, line: Line) -> SaidPart:
    """Give what an invoice says of a line."""
    livemode, invoice_id, header, head_text = head
    line_id, amount, currency = line.line_id, line.amount, line.currency
    subscription_id = line.subscription_id or header.subscription_id
    day, month, period = _period_of(line.period_start, line.period_end)
    net_amount = amount - line.discount_amount - line.tax_amount
    named = texts_of(line_id, subscription_id, line.description, line.quantity, line.price_id, line.product_id)
    text = (
        f"{head_text}\t{named}\t{period}\t{amount}\t{line.discount_amount}\t{line.tax_amount}\t{net_amount}\t"
        f"{currency}\t{exponent_of(currency)}\t{'t' if line.proration else 'f'}"
    )
    return SaidPart(
        text.encode(),
        livemode,
        invoice_id,
        line_id,
        line.price_id,
        (day, amount, header.customer_id, subscription_id),
        (livemode, day),
        (livemode, month, currency),
        amount,
        net_amount,
    )


def shown_part(
    customer_name: str | None,
    billing: Billing,
    invoice_status: str,
    is_complete: bool,  # noqa: FBT001 - a value
    change: Change,
) -> ShownPart:
    """Give what else a row shows."""
    text = (
        f"\t{texts_of(customer_name)}\t{_text_of_billing(billing)}\t{invoice_status}\t{'t' if is_complete else 'f'}\t"
        f"{change.position}\t{change.recorded_at.isoformat()}"
    )
    grouping = (invoice_status, billing.type, billing.cadence)
    return ShownPart(customer_name, billing, invoice_status, is_complete, change, text.encode(), grouping)


def with_price(shown: ShownPart, price_id: str | None, held: HeldValue[PricedAs]) -> ShownPart:
    """Give what is shown once the line's price says something else."""
    billing = billing_of(price_id, held)
    return shown_part(shown.customer_name, billing, shown.invoice_status, shown.is_complete, held.change)


def with_name(shown: ShownPart, held: HeldValue[str]) -> ShownPart:
    """Give what is shown once the line's customer is called something else."""
    return shown_part(held.register.value, shown.billing, shown.invoice_status, shown.is_complete, held.change)


def parts_of_stored(row: Row) -> RowParts:
    """Give the parts of a row as the table holds it."""
    said = SaidPart(
        text_of(row[:SAID]),
        row.livemode,
        row.invoice_id,
        row.invoice_line_item_id,
        row.price_id,
        (row.date, row.amount, row.customer_id, row.subscription_id),
        (row.livemode, row.date),
        (row.livemode, row.date.replace(day=1), row.currency),
        row.amount,
        row.net_amount,
    )
    billing = Billing(row.type, row.cadence, row.interval_unit, row.interval_count, row.cadence_source)
    change = Change(row.position, row.updated_at)
    return said, shown_part(row.customer_name, billing, row.invoice_status, row.invoice_complete, change)


@lru_cache(64)
def _text_of_billing(billing: Billing) -> str:
    return text_of(billing).decode()


@lru_cache(4096)
def _period_of(start: int, end: int) -> _Period:
    starts_at, ends_at = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
    day = starts_at.date()
    return _Period(day, day.replace(day=1), f"{day}\t{starts_at.isoformat()}\t{ends_at.isoformat()}")
