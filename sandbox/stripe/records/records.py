"""The objects of the simulated Stripe: one slotted record each, amounts in minor units, times in Unix seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Keys and texts that sellers attach to objects; None is rendered as none.
Metadata = Mapping[str, str]


@dataclass(slots=True)
class Customer:
    """A customer. `last_known_name` is the newest name that was not null; `country` that of its address."""

    id: str
    created: int
    sequence: int
    name: str | None
    email: str | None
    invoice_prefix: str
    last_known_name: str | None = None
    numbered_invoices: int = 0
    deleted: bool = False
    country: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True)
class Product:
    """A product."""

    id: str
    created: int
    sequence: int
    name: str
    active: bool = True
    deleted: bool = False
    metadata: Metadata | None = None


@dataclass(slots=True)
class Price:
    """A price of a product. `interval` is day, week, month or year; None for a one-time price."""

    id: str
    created: int
    sequence: int
    product: Product
    currency: str
    unit_amount: int
    interval: str | None = None
    interval_count: int = 1
    active: bool = True
    nickname: str | None = None
    lookup_key: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True)
class Subscription:
    """A customer's subscription to some recurring prices."""

    id: str
    created: int
    sequence: int
    customer: Customer
    prices: tuple[Price, ...]
    status: str = "active"
    canceled_at: int | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount of one line. `on_invoice`: it is the line's share of a discount on the whole invoice."""

    id: str
    amount: int
    on_invoice: bool = False


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax on one line. `inclusive`: the line's amount includes it."""

    rate: str
    amount: int
    taxable_amount: int
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Credited:
    """The invoice and line that a proration credits."""

    invoice_id: str
    line_id: str


@dataclass(slots=True)
class Line:
    """A line of an invoice. `amount` is before discounts and exclusive tax; `quantity` is a decimal string."""

    id: str
    amount: int
    description: str | None
    period_start: int
    period_end: int
    quantity: str | None
    price: Price | None
    subscription_id: str | None
    from_subscription: bool
    proration: bool = False
    discountable: bool = True
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    credited: Credited | None = None
    metadata: Metadata | None = None


@dataclass(slots=True)
class Invoice:
    """An invoice. `frozen_name` is the customer's name at finalization; None before it, or without a name.

    `subscription_metadata` is its copy of its subscription's metadata.
    """

    id: str
    created: int
    sequence: int
    customer: Customer
    currency: str
    lines: tuple[Line, ...]
    subscription_id: str | None = None
    billing_reason: str = "manual"
    description: str | None = None
    auto_advance: bool = False
    status: str = "draft"
    number: str | None = None
    frozen_name: str | None = None
    finalized_at: int | None = None
    paid_at: int | None = None
    voided_at: int | None = None
    uncollectible_at: int | None = None
    paid_out_of_band: bool = False
    credited_before_payment: int = 0
    credited_after_payment: int = 0
    credit_notes: int = 0
    metadata: Metadata | None = None
    subscription_metadata: Metadata | None = None

    @property
    def total(self) -> int:
        """Return the sum of the lines after discounts and with exclusive tax, in minor units."""
        return sum(
            line.amount
            - sum(cut.amount for cut in line.discounts)
            + sum(tax.amount for tax in line.taxes if not tax.inclusive)
            for line in self.lines
        )

    @property
    def amount_due(self) -> int:
        """Return the amount due in minor units. A negative total goes to the customer's balance instead."""
        return max(self.total, 0) - self.credited_before_payment


@dataclass(frozen=True, slots=True)
class CreditNoteLine:
    """A line of a credit note. `amount` is before discounts and exclusive tax, and includes inclusive tax.

    `line_id` is the invoice line that it credits, None for an amount without a line.
    """

    id: str
    amount: int
    line_id: str | None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()

    @property
    def total(self) -> int:
        """Return what the customer gets for it: after discounts and with exclusive tax."""
        discounts = sum(cut.amount for cut in self.discounts)
        return self.amount - discounts + sum(tax.amount for tax in self.taxes if not tax.inclusive)


@dataclass(slots=True)
class CreditNote:
    """A credit note for a finalized invoice."""

    id: str
    created: int
    sequence: int
    invoice: Invoice
    number: str
    lines: tuple[CreditNoteLine, ...]
    before_payment: int
    reason: str | None
    effective_at: int
    status: str = "issued"
    voided_at: int | None = None

    @property
    def amount(self) -> int:
        """Return the total of its lines, with exclusive tax."""
        return sum(line.total for line in self.lines)


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `data` maps each API version to the bytes of the event's `data`, rendered once."""

    id: str
    created: int
    sequence: int
    type: str
    livemode: bool
    request_id: str | None
    data: Mapping[str, bytes] = field(repr=False)
