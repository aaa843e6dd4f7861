"""The parts of Stripe's JSON that we read, in all API versions at once. The keys show which shape it is.

Up to 2025-02-24.acacia a line has `price`, `plan`, `subscription`, `proration`, `tax_amounts`; from
2025-03-31.basil on, `pricing`, `parent`, `taxes`; around the change, both.
https://docs.stripe.com/changelog/basil
"""

from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Subject = TypeVar("Subject")
MinorUnits = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
# What only rules test, and may have any shape: it makes no fact unreadable.
Lenient = Any
UnixSeconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
# Stripe's ids have 255 characters at most: https://docs.stripe.com/upgrades. Longer ones may not fit into an index.
Id = Annotated[str, Meta(min_length=1, max_length=255)]


class Expanded(Struct):
    """An object of which only the id is read."""

    id: Id


Reference = Id | Expanded | None


class Period(Struct):
    """The service period of a line."""

    start: UnixSeconds
    end: UnixSeconds


class Recurring(Struct):
    """The recurring part of a price."""

    interval: Id
    interval_count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class Price(Struct):
    """A price, inline or on its own."""

    id: Id
    type: str | None = None
    recurring: Recurring | None = None
    product: Reference = None
    nickname: str | None = None
    lookup_key: str | None = None
    metadata: Lenient = None


class Plan(Recurring):
    """The legacy form of a recurring price, with the same id."""

    id: Annotated[str, Meta(max_length=255)] = ""
    product: Reference = None
    nickname: str | None = None
    metadata: Lenient = None


class PriceDetails(Struct):
    """The price and product of a line, from basil on; ids unless expanded."""

    price: Id | Price | None = None
    product: Reference = None


class Pricing(Struct):
    """The wrapper of `PriceDetails`, from basil on."""

    price_details: PriceDetails | None = None


class ParentDetails(Struct):
    """What a line comes from: a subscription item or an invoice item."""

    subscription: Reference = None
    proration: bool | None = None


class LineParent(Struct):
    """The wrapper of `ParentDetails`, from basil on."""

    subscription_item_details: ParentDetails | None = None
    invoice_item_details: ParentDetails | None = None


class Discount(Struct):
    """The amount that one discount takes off a line."""

    amount: MinorUnits


class Tax(Struct):
    """One tax of a line, in either shape."""

    amount: MinorUnits
    inclusive: bool = False
    tax_behavior: str | None = None


class Line(Struct):
    """An invoice line item."""

    id: Id
    amount: MinorUnits
    currency: Id
    period: Period
    description: str | None = None
    quantity: int | float | str | None = None
    quantity_decimal: str | None = None
    discount_amounts: list[Discount] | None = None
    pricing: Pricing | None = None
    price: Price | None = None
    plan: Plan | None = None
    parent: LineParent | None = None
    subscription: Reference = None
    proration: bool | None = None
    taxes: list[Tax] | UnsetType | None = UNSET
    tax_amounts: list[Tax] | None = None
    type: Lenient = None
    metadata: Lenient = None


class Lines(Struct):
    """A page of lines."""

    data: list[Line]
    has_more: bool = False


class SubscriptionDetails(Struct):
    """The subscription that generated an invoice; null metadata is that of invoices made before 2023-06-29."""

    subscription: Reference = None
    metadata: Lenient = None


class InvoiceParent(Struct):
    """What generated an invoice, from basil on."""

    subscription_details: SubscriptionDetails | None = None


class StatusTransitions(Struct):
    """When an invoice changed its status."""

    finalized_at: UnixSeconds | None = None
    marked_uncollectible_at: UnixSeconds | None = None
    voided_at: UnixSeconds | None = None
    paid_at: UnixSeconds | None = None


class Invoice(Struct):
    """An invoice."""

    id: Id
    status: Id
    currency: Id
    created: UnixSeconds | None = None
    effective_at: UnixSeconds | None = None
    status_transitions: StatusTransitions | None = None
    number: str | None = None
    customer: Reference = None
    customer_account: Id | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    parent: InvoiceParent | None = None
    subscription: Reference = None
    subscription_details: Lenient = None
    customer_address: Lenient = None
    metadata: Lenient = None
    # Decoded separately, because most of the many events about an invoice contain the same lines.
    lines: Raw = Raw(b"null")


class Customer(Struct):
    """A customer; a deleted one may be a stub without a name, and then has no metadata either."""

    id: Id
    name: str | None = None
    email: Lenient = None
    address: Lenient = None
    metadata: Lenient = UNSET


class Product(Struct):
    """A product; a deleted one may be a stub without a name."""

    id: Id
    name: str | None = None
    metadata: Lenient = None


class Data(Struct, Generic[Subject]):
    """The wrapper of the object that an event is about."""

    object: Subject


class Envelope(Struct, Generic[Subject]):
    """An event."""

    data: Data[Subject]
