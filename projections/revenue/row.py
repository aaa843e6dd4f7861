"""The fields of a row of the table, and what its price says of a line. Pure."""

from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from events.stripe.cadence import cadence_of
from projections.revenue.state import HeldValue, PricedAs

NO_PRICE = "no_price"
UNKNOWN = "unknown"


class Billing(NamedTuple):
    """How a line bills, in the words of the table, and the name of its price."""

    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str
    price_name: str | None = None


_WITHOUT_PRICE = Billing("one_time", "one_time", None, None, NO_PRICE)
_UNKNOWN = Billing("unknown", "unknown", None, None, UNKNOWN)


class Row(NamedTuple):
    """A row of the table: what the invoice says of itself, what it says of the line, and last what may change."""

    livemode: bool
    invoice_id: str
    invoice_number: str | None
    customer_id: str | None
    customer_name_on_invoice: str | None
    customer_email: str | None
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
    customer_order: str
    product_name: str | None
    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str
    price_name: str | None
    invoice_status: str
    invoice_complete: bool
    credited_amount: int
    position: int
    updated_at: datetime


# How many of the fields, from the first, the invoice says once for all; the others may change.
FIXED_FIELD_COUNT = Row._fields.index("customer_name")


def billing_of(price_id: str | None, held: HeldValue[PricedAs] | None) -> Billing:
    """Return how a line with this price bills. A price that was never seen is unknown, not one-time."""
    if price_id is None:
        return _WITHOUT_PRICE
    return _UNKNOWN if held is None else _billing_as(held.register.value)


@lru_cache(1024)
def _billing_as(priced: PricedAs) -> Billing:
    if priced.recurrence is None:
        return Billing("one_time", "one_time", None, None, priced.source, priced.name)
    unit, count = priced.recurrence.unit, priced.recurrence.count
    return Billing("recurring", cadence_of(unit, count), unit, count, priced.source, priced.name)
