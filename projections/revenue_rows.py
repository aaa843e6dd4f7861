"""What a row of the table says. Pure: it is a function of an invoice, a price and a name."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from events.cadence import cadence_of
from events.money import exponent_of
from events.observations import InvoiceHeader, Line
from projections.known import HeldValue, PricedAs

NO_PRICE = "no_price"
UNKNOWN = "unknown"


class Billing(NamedTuple):
    """How a line bills, as the table says it."""

    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str


_WITHOUT_PRICE = Billing("one_time", "one_time", None, None, NO_PRICE)
_UNKNOWN = Billing("unknown", "unknown", None, None, UNKNOWN)


class Row(NamedTuple):
    """A row of the table: what an invoice says once, what it says of the line, and last what may move."""

    livemode: bool
    invoice_id: str
    invoice_number: str | None
    customer_id: str | None
    customer_name_on_invoice: str | None
    invoice_line_item_id: str
    subscription_id: str | None
    description: str | None
    quantity: str | None
    price_id: str | None
    product_id: str | None
    date: date
    period_start: datetime
    period_end: datetime
    amount: int
    discount_amount: int
    tax_amount: int
    net_amount: int
    currency: str
    currency_exponent: int
    proration: bool
    customer_name: str | None
    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str
    invoice_status: str
    invoice_complete: bool
    position: int
    updated_at: datetime


# How many fields, from the first, an invoice says once; and how many until what may move.
HEAD = Row._fields.index("invoice_line_item_id")
SAID = Row._fields.index("customer_name")

Fields = tuple[Any, ...]


class Shown(NamedTuple):
    """The rest of a row: what a customer's name, a price and the state of the invoice decide."""

    customer_name: str | None
    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str
    invoice_status: str
    invoice_complete: bool
    position: int
    updated_at: datetime


def billing_of(price_id: str | None, held: HeldValue[PricedAs] | None) -> Billing:
    """Say how a line with this price bills. A price nobody has seen yet is unknown, never taken for one-time."""
    if price_id is None:
        return _WITHOUT_PRICE
    return _UNKNOWN if held is None else _billing_as(held.register.value)


def head_of(livemode: bool, invoice_id: str, header: InvoiceHeader) -> Fields:  # noqa: FBT001 - a value
    """Give the first fields of a row: what an invoice says once for all its lines."""
    return (livemode, invoice_id, header.number, header.customer_id, header.customer_name)


def line_of(header: InvoiceHeader, line: Line) -> Fields:
    """Give the next fields of a row: what an invoice says of one line."""
    period_start = _instant_of(line.period_start)
    return (
        line.line_id,
        line.subscription_id or header.subscription_id,
        line.description,
        line.quantity,
        line.price_id,
        line.product_id,
        period_start.date(),
        period_start,
        _instant_of(line.period_end),
        line.amount,
        line.discount_amount,
        line.tax_amount,
        line.amount - line.discount_amount - line.tax_amount,
        line.currency,
        exponent_of(line.currency),
        line.proration,
    )


def with_price(shown: Shown, price_id: str | None, held: HeldValue[PricedAs]) -> Shown:
    """Give what is shown once the line's price says something else."""
    billing = billing_of(price_id, held)
    return Shown(shown.customer_name, *billing, shown.invoice_status, shown.invoice_complete, *held.change)


def with_name(shown: Shown, held: HeldValue[str]) -> Shown:
    """Give what is shown once the line's customer is called something else."""
    return Shown(held.register.value, *shown[1:-2], *held.change)


@lru_cache(1024)
def _billing_as(priced: PricedAs) -> Billing:
    if priced.recurrence is None:
        return Billing("one_time", "one_time", None, None, priced.source)
    unit, count = priced.recurrence.unit, priced.recurrence.count
    return Billing("recurring", cadence_of(unit, count), unit, count, priced.source)


@lru_cache(4096)
def _instant_of(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)
