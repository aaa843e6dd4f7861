"""Read an invoice and its lines: new fields first, then old ones, depending on the keys that are present. Pure.

Amounts are before discounts and exclude exclusive tax; the service period is that of the line, not of its invoice.
https://docs.stripe.com/api/invoice-line-item/object
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw

from events.stripe import shapes as wire
from events.stripe.details import LineMetadata
from events.stripe.invoice_details import invoice_details, metadata_of_lines, mirrored_metadata
from events.stripe.money import exponent_of
from events.stripe.observations import InvoiceHeader, InvoiceLinesSeen, InvoiceSeen, Line, Observation, StatusDates
from events.stripe.price import price_seen

FINAL_STATUSES = ("open", "uncollectible", "paid", "void")
_LARGEST_AMOUNT = 2**63 - 1
_TOO_MANY = 10**20
_MOST_CACHED = 1024
_LINES = msgspec.json.Decoder(wire.Lines | None)
_NO_DATES = StatusDates()


class UnclearInvoiceError(ValueError):
    """The JSON has the right shape, but its values cannot be right."""


class LineSet(NamedTuple):
    """The lines that came with an invoice, the prices they contain, and whether the lines are complete.

    `mirrored`: the metadata of subscriptions, by their ids, that their lines repeat.
    """

    lines: tuple[Line, ...]
    prices: tuple[Observation, ...]
    is_complete: bool
    metadata: LineMetadata | None
    mirrored: LineMetadata


# The last lines read of each invoice, as bytes and as the result.
_line_sets: dict[str, tuple[Raw, LineSet]] = {}


def invoice_seen(invoice: wire.Invoice, line_set: LineSet) -> InvoiceSeen:
    """Read a finalized invoice with its lines.

    :raises UnclearInvoiceError: an unknown status
    :raises UnknownCurrencyError: a currency whose decimals were not checked
    """
    if invoice.status not in FINAL_STATUSES:
        raise UnclearInvoiceError(f"the invoice's status {invoice.status!r} is not one we know")
    exponent_of(invoice.currency)
    details = invoice.parent.subscription_details if invoice.parent else None
    header = InvoiceHeader(
        customer_id=_id(invoice.customer) or invoice.customer_account,
        customer_name=invoice.customer_name,
        subscription_id=(details and _id(details.subscription)) or _id(invoice.subscription),
        number=invoice.number,
        customer_email=invoice.customer_email,
    )
    told = invoice_details(invoice, line_set.mirrored.get(header.subscription_id or "", ()))
    is_complete, metadata = line_set.is_complete, line_set.metadata
    dates = _dates(invoice.status_transitions)
    return InvoiceSeen(invoice.id, invoice.status, header, line_set.lines, is_complete, dates, told, metadata)


def line_set_of(invoice_id: str, lines: Raw) -> LineSet:
    """Read the lines that came with an invoice. Events that repeat the same bytes share one cached object.

    :raises msgspec.MsgspecError: they do not have the shape of lines
    :raises UnclearInvoiceError: as `lines_seen`
    :raises UnknownCurrencyError: as `lines_seen`
    """
    cached = _line_sets.get(invoice_id)
    if cached is None or cached[0] != lines:
        if len(_line_sets) >= _MOST_CACHED:
            _line_sets.clear()
        cached = _line_sets[invoice_id] = (lines.copy(), _line_set(_LINES.decode(lines)))
    return cached[1]


def _dates(said: wire.StatusTransitions | None) -> StatusDates:
    if said is None:
        return _NO_DATES
    return StatusDates(said.finalized_at, said.marked_uncollectible_at, said.voided_at, said.paid_at)


def _line_set(lines: wire.Lines | None) -> LineSet:
    if lines is None:
        return LineSet((), (), is_complete=False, metadata=None, mirrored={})
    prices = tuple(dict.fromkeys(prices_on_lines(lines)))
    read, metadata = lines_seen(lines), metadata_of_lines(lines)
    return LineSet(read, prices, not lines.has_more, metadata, mirrored_metadata(lines, read, metadata))


def lines_fetched(invoice_id: str, lines: wire.Lines) -> InvoiceLinesSeen:
    """Read all lines of an invoice.

    :raises UnclearInvoiceError: as `lines_seen`
    :raises UnknownCurrencyError: as `lines_seen`
    """
    return InvoiceLinesSeen(invoice_id, lines_seen(lines), metadata_of_lines(lines))


def lines_seen(lines: wire.Lines) -> tuple[Line, ...]:
    """Read lines, ordered by id, so that the same set is the same value in whatever order Stripe lists it.

    :raises UnclearInvoiceError: two lines with one id, an unreadable quantity, amounts beyond 64 bits
    :raises UnknownCurrencyError: a currency whose decimals were not checked
    """
    read = tuple(sorted(map(_line_seen, lines.data), key=lambda line: line.line_id))
    if len({line.line_id for line in read}) < len(read):
        raise UnclearInvoiceError("two lines of the invoice share one id")
    return read


def prices_on_lines(lines: wire.Lines | None) -> Iterator[Observation]:
    """Yield the prices that lines contain in full, as in the old shape; the new shape has ids only, unless expanded."""
    for line in lines.data if lines else ():
        price = _price(line)
        if isinstance(price, wire.Price | wire.Plan):
            yield from price_seen(price)


def _line_seen(line: wire.Line) -> Line:
    exponent_of(line.currency)
    discounts = line.discount_amounts
    discount_amount = sum([discount.amount for discount in discounts]) if discounts else 0
    tax_amount = _inclusive_tax(line)
    if abs(line.amount) + abs(discount_amount) + abs(tax_amount) > _LARGEST_AMOUNT:
        raise UnclearInvoiceError(f"the amounts of line {line.id} do not fit into 64 bits")
    parent = line.parent and (line.parent.subscription_item_details or line.parent.invoice_item_details)
    price = _price(line)
    return Line(
        line_id=line.id,
        subscription_id=(parent and _id(parent.subscription)) or _id(line.subscription),
        description=line.description,
        currency=line.currency,
        amount=line.amount,
        discount_amount=discount_amount,
        tax_amount=tax_amount,
        period_start=line.period.start,
        period_end=line.period.end,
        proration=bool(parent.proration if parent and parent.proration is not None else line.proration),
        quantity=_quantity(line),
        price_id=price if isinstance(price, str) else _id(price),
        product_id=_product(line),
    )


def _id(reference: str | wire.Expanded | wire.Price | wire.Plan | None) -> str | None:
    return reference if reference is None or isinstance(reference, str) else reference.id


def _price(line: wire.Line) -> str | wire.Price | wire.Plan | None:
    details = line.pricing and line.pricing.price_details
    named = details.price if details else None
    whole = line.price or (line.plan if line.plan and line.plan.id else None)
    # Around the change of shapes, a line has its price's id in the new field and the whole price in the old one.
    return whole if whole and (named is None or named == whole.id) else named


def _product(line: wire.Line) -> str | None:
    details = line.pricing and line.pricing.price_details
    return (
        (details and _id(details.product))
        or (line.price and _id(line.price.product))
        or (line.plan and _id(line.plan.product))
        or None
    )


def _inclusive_tax(line: wire.Line) -> int:
    if line.taxes is not UNSET:
        return sum([tax.amount for tax in line.taxes if tax.tax_behavior == "inclusive"]) if line.taxes else 0
    return sum([tax.amount for tax in line.tax_amounts if tax.inclusive]) if line.tax_amounts else 0


def _quantity(line: wire.Line) -> str | None:
    # From 2026-03-25.dahlia on `quantity` is truncated to a whole number and `quantity_decimal` is exact.
    quantity = line.quantity if line.quantity_decimal is None else line.quantity_decimal
    if quantity is None:
        return None
    if type(quantity) is int and abs(quantity) < _TOO_MANY:
        return str(quantity)
    try:
        exact = Decimal(str(quantity))
    except InvalidOperation as error:
        raise UnclearInvoiceError(f"the quantity of line {line.id} is not a number") from error
    if not exact.is_finite() or exact.adjusted() not in range(-20, 20):
        raise UnclearInvoiceError(f"the quantity of line {line.id} is not a number of things")
    return format(exact.normalize(), "f")
