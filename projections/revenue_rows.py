"""Turn the books into rows of the table. Pure: a row is a function of an invoice, a price and a name."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from events.cadence import cadence_of
from events.money import exponent_of
from events.observations import InvoiceHeader, Line
from projections.known import Change, Held, HeldValue, Key, PricedAs

NO_PRICE = "no_price"
UNKNOWN = "unknown"


class Billing(NamedTuple):
    """How a line bills, as the table says it."""

    type: str
    cadence: str
    interval_unit: str | None
    interval_count: int | None
    cadence_source: str


class Row(NamedTuple):
    """A row of the table: first what an invoice says of a line, which hardly ever changes, then what does."""

    livemode: bool
    invoice_id: str
    invoice_line_item_id: str
    subscription_id: str | None
    customer_id: str | None
    customer_name_on_invoice: str | None
    description: str | None
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
    quantity: str | None
    price_id: str | None
    product_id: str | None
    invoice_number: str | None
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


# How many fields, from the first, an invoice says of a line.
FIXED = Row._fields.index("customer_name")

Fixed = tuple[object, ...]
PriceOf = Callable[[Key], HeldValue[PricedAs] | None]
NameOf = Callable[[Key], HeldValue[str] | None]


def billing_of(price_id: str | None, held: HeldValue[PricedAs] | None) -> Billing:
    """Say how a line with this price bills. A price nobody has seen yet is unknown, never taken for one-time."""
    if price_id is None:
        return Billing("one_time", "one_time", None, None, NO_PRICE)
    if held is None:
        return Billing("unknown", "unknown", None, None, UNKNOWN)
    recurrence, source = held.register.value.recurrence, held.register.value.source
    if recurrence is None:
        return Billing("one_time", "one_time", None, None, source)
    cadence = cadence_of(recurrence.unit, recurrence.count)
    return Billing("recurring", cadence, recurrence.unit, recurrence.count, source)


def rows_of(
    key: Key, held: Held, price_of: PriceOf, name_of: NameOf, known: dict[tuple[int, int], Fixed] | None = None
) -> Iterator[Row]:
    """Give the rows of one invoice; none while only its lines are known, or once it is deleted.

    In `known` it keeps, between calls for one invoice, what was said of a line: whoever hands it over keeps the books.
    """
    book, (livemode, invoice_id) = held.book, key
    if book.is_deleted or book.header is None or book.status is None or book.lines is None:
        return
    header, known = book.header.value, {} if known is None else known
    name = name_of((livemode, header.customer_id)) if header.customer_id else None
    shown = name.register.value if name else None
    status, is_complete = book.status.value, book.is_complete
    for line in book.lines.value:
        price = price_of((livemode, line.price_id)) if line.price_id else None
        said = (id(header), id(line))
        fixed = known.get(said)
        if fixed is None:
            fixed = known[said] = _fixed(livemode, invoice_id, header, line)
        change = _latest(_latest(held.change, name and name.change), price and price.change)
        billing = billing_of(line.price_id, price)
        yield Row._make((*fixed, shown, *billing, status, is_complete, *change))


def with_price(row: Row, held: HeldValue[PricedAs]) -> Row:
    """Give the row as it stands once its price says something else."""
    billing = billing_of(row.price_id, held)
    return row._replace(**billing._asdict(), position=held.change.position, updated_at=held.change.recorded_at)


def with_name(row: Row, held: HeldValue[str]) -> Row:
    """Give the row as it stands once its customer is called something else."""
    return row._replace(
        customer_name=held.register.value, position=held.change.position, updated_at=held.change.recorded_at
    )


def _fixed(livemode: bool, invoice_id: str, header: InvoiceHeader, line: Line) -> Fixed:  # noqa: FBT001 - a value
    period_start = datetime.fromtimestamp(line.period_start, UTC)
    return (
        livemode,
        invoice_id,
        line.line_id,
        line.subscription_id or header.subscription_id,
        header.customer_id,
        header.customer_name,
        line.description,
        period_start.date(),
        period_start,
        datetime.fromtimestamp(line.period_end, UTC),
        line.amount,
        line.discount_amount,
        line.tax_amount,
        line.amount - line.discount_amount - line.tax_amount,
        line.currency,
        exponent_of(line.currency),
        line.proration,
        line.quantity,
        line.price_id,
        line.product_id,
        header.number,
    )


def _latest(change: Change, other: Change | None) -> Change:
    return change if other is None or change.position >= other.position else other
