"""The two parts of a row: what its invoice says of a line once for all, and what may change. Pure.

Versions of a line share the fixed part, lines of an invoice mostly share the variable part. So each part is made, and
written out as text, once. The row's text is the fixed part's text followed by the variable part's.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from events.stripe.money import exponent_of
from events.stripe.observations import InvoiceHeader, Line
from projections.facts.sightings import Change
from projections.revenue.row import Billing
from projections.revenue.row_text import text_of, texts_of
from projections.revenue.state import Key, Name

# What lines are ordered by has to fit into an index, however long a name is.
_MOST_ORDERED = 120

# (livemode, first day of the month, currency), and (status, type, cadence).
BilledMonth = tuple[bool, date, str]
Grouping = tuple[str, str, str]


class Names(NamedTuple):
    """The names of a line's customer and product, and the invoice's e-mail address, which stands in for the first."""

    customer: Name
    product: Name
    email: str | None = None


class FixedPart(Struct, frozen=True, gc=False):
    """What an invoice says of a line once for all: its text, and the values that keys, order, sums and facets need."""

    text: bytes
    livemode: bool
    invoice_id: str
    line_id: str
    # What is billed: the ids of the price and the product.
    sold: tuple[str | None, str | None]
    description: str | None
    # What the table is ordered and looked up by.
    place: tuple[object, ...]
    day: tuple[bool, date]
    month: BilledMonth
    amount: int
    net_amount: int


class VariablePart(Struct, frozen=True, gc=False):
    """The part of a row that may change: its fields, their text after a tab, and the values that group sums."""

    names: Names
    billing: Billing
    invoice_status: str
    is_complete: bool
    credited_amount: int
    change: Change
    text: bytes
    grouping: Grouping


RowParts = tuple[FixedPart, VariablePart]


class Head(NamedTuple):
    """What an invoice says once for all its lines, and its text."""

    livemode: bool
    invoice_id: str
    header: InvoiceHeader
    text: str


class _Period(NamedTuple):
    day: date
    month: date
    text: str


def head_of(key: Key, header: InvoiceHeader) -> Head:
    """Return what all lines of an invoice have in common."""
    livemode, invoice_id = key
    named = texts_of(invoice_id, header.number, header.customer_id, header.customer_name, header.customer_email)
    return Head(livemode, invoice_id, header, f"{'t' if livemode else 'f'}\t{named}")


def fixed_part(head: Head, line: Line) -> FixedPart:
    """Return what an invoice says of a line once for all."""
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
    return FixedPart(
        text.encode(),
        livemode,
        invoice_id,
        line_id,
        (line.price_id, line.product_id),
        line.description,
        (day, currency, amount, header.customer_id, subscription_id),
        (livemode, day),
        (livemode, month, currency),
        amount,
        net_amount,
    )


def variable_part(
    names: Names,
    billing: Billing,
    invoice_status: str,
    is_complete: bool,  # noqa: FBT001 - a value
    change: Change,
    credited_amount: int = 0,
) -> VariablePart:
    """Return the part of a row that may change; the invoice's e-mail address takes the place of a missing name."""
    order = (names.customer or names.email or "").casefold()[:_MOST_ORDERED]
    text = (
        f"\t{texts_of(names.customer, order, names.product)}\t{_text_of_billing(billing)}\t{invoice_status}\t"
        f"{'t' if is_complete else 'f'}\t{credited_amount}\t{change.position}\t{change.recorded_at.isoformat()}"
    )
    grouping = (invoice_status, billing.type, billing.cadence)
    return VariablePart(names, billing, invoice_status, is_complete, credited_amount, change, text.encode(), grouping)


@lru_cache(1024)
def _text_of_billing(billing: Billing) -> str:
    return text_of(billing).decode()


@lru_cache(4096)
def _period_of(start: int, end: int) -> _Period:
    starts_at, ends_at = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
    day = starts_at.date()
    return _Period(day, day.replace(day=1), f"{day}\t{starts_at.isoformat()}\t{ends_at.isoformat()}")
