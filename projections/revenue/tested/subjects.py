"""What rules may test of each line of an invoice, by the names of `mapping.fields`. Pure.

Days are those of the company's accounting policy. Amounts are in minor units, before credit notes.
"""

from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from events.stripe.details import CustomerDetails, InvoiceDetails, Metadata, PriceDetails
from events.stripe.observations import InvoiceHeader, Line
from projections.mapping.fields import Value
from projections.recognition.days import day_of
from projections.revenue.row import billing_of
from projections.revenue.state import HeldValue, Key, Name, PricedAs
from projections.revenue.tested.details import InvoiceTold

Fields = dict[str, Value]

_NOTHING_TOLD = InvoiceDetails()
_NO_DETAILS = PriceDetails()


class Customer(NamedTuple):
    """What is known of a customer: its name, and what it says of itself, if it was ever seen."""

    name: Name = None
    details: CustomerDetails | None = None


class Sold(NamedTuple):
    """What is known of a price and a product."""

    price: HeldValue[PricedAs] | None = None
    price_details: PriceDetails | None = None
    product_name: Name = None
    product_metadata: Metadata = ()


def fields_of_invoice(
    key: Key, header: InvoiceHeader, told: InvoiceTold, customer: Customer, finalized_at: int | None, zone: ZoneInfo
) -> Fields:
    """Return what all lines of an invoice have in common; `finalized_at` is in Unix seconds.

    What the invoice says of its customer stands in for a customer that was never seen.
    """
    details, said = told.details or _NOTHING_TOLD, customer.details
    return {
        "invoice_id": key[1],
        "invoice_number": header.number,
        "customer_id": header.customer_id,
        "customer_name": customer.name or header.customer_name,
        "customer_email": said.email if said else header.customer_email,
        "customer_country": said.country if said else details.customer_country,
        "finalized_on": None if finalized_at is None else _day(finalized_at, zone),
        **metadata_fields("invoice", details.metadata),
        **metadata_fields("customer", said.metadata if said else ()),
    }


def fields_of_sold(price_id: str | None, product_id: str | None, sold: Sold) -> Fields:
    """Return what all lines with a price and a product have in common."""
    billing, details = billing_of(price_id, sold.price), sold.price_details or _NO_DETAILS
    return {
        "price_id": price_id,
        "price_nickname": details.nickname,
        "price_lookup_key": details.lookup_key,
        "product_id": product_id,
        "product_name": sold.product_name,
        "type": billing.type,
        "cadence": billing.cadence,
        "interval": billing.interval_unit,
        **metadata_fields("price", details.metadata),
        **metadata_fields("product", sold.product_metadata),
    }


def fields_of_line(shared: Fields, line: Line, header: InvoiceHeader, told: InvoiceTold, zone: ZoneInfo) -> Fields:
    """Return all that a line has: what it shares with others, and what it has for itself."""
    subscription_id = line.subscription_id or header.subscription_id
    # An invoice tells of one subscription; its lines may belong to others.
    is_own = subscription_id is not None and subscription_id == header.subscription_id
    fields = {
        **shared,
        "invoice_line_item_id": line.line_id,
        "subscription_id": subscription_id,
        "description": line.description,
        "amount": line.amount,
        "net_amount": line.amount - line.discount_amount - line.tax_amount,
        "quantity": line.quantity,
        "currency": line.currency,
        "proration": line.proration,
        "has_period": line.period_end > line.period_start,
        "date": _day(line.period_start, zone),
    }
    if told.line_metadata:
        fields |= metadata_fields("line", told.line_metadata.get(line.line_id, ()))
    if is_own and told.details:
        fields |= metadata_fields("subscription", told.details.subscription_metadata)
    return fields


def metadata_fields(owner: str, metadata: Metadata) -> Fields:
    """Return the fields of what an object says of itself."""
    return {f"{owner}.metadata.{key}": text for key, text in metadata} if metadata else {}


def _day(second: int, zone: ZoneInfo) -> date:
    return date.fromordinal(day_of(second, zone))
