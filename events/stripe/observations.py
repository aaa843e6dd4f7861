"""What facts say about revenue, as plain values: no wire shapes, no clock, no database.

What a fold stores is encoded as arrays: the order of the fields is part of the stored form.
"""

from msgspec import Struct

from events.stripe.details import CustomerDetails, InvoiceDetails, LineMetadata, Metadata, PriceDetails


class Line(Struct, frozen=True, array_like=True, gc=False):
    """One invoice line item. Money in minor units of `currency`; the period is [start, end) in Unix seconds."""

    line_id: str
    subscription_id: str | None
    description: str | None
    currency: str
    amount: int
    discount_amount: int
    tax_amount: int
    period_start: int
    period_end: int
    proration: bool
    quantity: str | None
    price_id: str | None
    product_id: str | None


class InvoiceHeader(Struct, frozen=True, array_like=True, gc=False):
    """What an invoice says once for all its lines. Stripe freezes it when the invoice is finalized."""

    customer_id: str | None
    customer_name: str | None
    subscription_id: str | None
    number: str | None
    customer_email: str | None = None


class StatusDates(Struct, frozen=True, array_like=True, gc=False):
    """When an invoice reached its statuses, in Unix seconds: https://docs.stripe.com/api/invoices/object."""

    finalized_at: int | None = None
    marked_uncollectible_at: int | None = None
    voided_at: int | None = None
    paid_at: int | None = None


class Recurrence(Struct, frozen=True, array_like=True, gc=False):
    """How a recurring price bills: every `count` times `unit` (day, week, month, year)."""

    unit: str
    count: int


class InvoiceSeen(Struct, frozen=True, gc=False):
    """A finalized invoice as a fact shows it. Without `is_complete`, it has lines that the fact does not show."""

    invoice_id: str
    status: str
    header: InvoiceHeader
    lines: tuple[Line, ...]
    is_complete: bool
    dates: StatusDates = StatusDates()
    details: InvoiceDetails | None = None
    line_metadata: LineMetadata | None = None


class InvoiceLinesSeen(Struct, frozen=True, gc=False):
    """All lines of an invoice, read page by page from the start."""

    invoice_id: str
    lines: tuple[Line, ...]
    line_metadata: LineMetadata | None = None


class InvoiceDeleted(Struct, frozen=True, gc=False):
    """A draft was deleted for good."""

    invoice_id: str


class CreditNoteLine(Struct, frozen=True, array_like=True, gc=False):
    """A line of a credit note, and what it takes: its amount less discounts and included tax, in minor units.

    It takes that from an invoice line or, if it names none, from all lines of the invoice.
    """

    line_id: str
    invoice_line_id: str | None
    amount: int


class CreditNoteHeader(Struct, frozen=True, array_like=True, gc=False):
    """What Stripe freezes when it issues a credit note. `amount` is Stripe's own total, with exclusive tax."""

    number: str | None
    currency: str
    amount: int
    effective_at: int


class CreditNoteStatus(Struct, frozen=True, array_like=True, gc=False):
    """Whether a credit note is issued or void, and since when it is void, in Unix seconds."""

    status: str
    voided_at: int | None


class CreditNoteSeen(Struct, frozen=True, gc=False):
    """A credit note as a fact shows it. Without `is_complete`, it has lines that the fact does not show."""

    invoice_id: str
    note_id: str
    status: CreditNoteStatus
    header: CreditNoteHeader
    lines: tuple[CreditNoteLine, ...]
    is_complete: bool


class CreditNoteLinesSeen(Struct, frozen=True, gc=False):
    """All lines of a credit note, read page by page from the start."""

    invoice_id: str
    note_id: str
    lines: tuple[CreditNoteLine, ...]


class PriceSeen(Struct, frozen=True, gc=False):
    """How a price bills and its name, if it has one: its nickname, else its lookup key.

    The price itself says so or, less reliably, a legacy plan with the same id. Without a recurrence it bills once.
    """

    price_id: str
    recurrence: Recurrence | None
    source: str
    name: str | None = None
    details: PriceDetails | None = None


class ProductNamed(Struct, frozen=True, gc=False):
    """A product's name and metadata."""

    product_id: str
    name: str
    metadata: Metadata = ()


class CustomerNamed(Struct, frozen=True, gc=False):
    """A customer's name, known to be valid since `named_at` in Unix seconds, or since the time of the fact if None."""

    customer_id: str
    name: str
    named_at: int | None


class CustomerSeen(Struct, frozen=True, gc=False):
    """What a customer says of itself, which no invoice says of it."""

    customer_id: str
    details: CustomerDetails


class Unreadable(Struct, frozen=True, gc=False):
    """A fact about revenue that we cannot read. `reason` says what is wrong, and where."""

    reason: str


Observation = (
    InvoiceSeen
    | InvoiceLinesSeen
    | InvoiceDeleted
    | CreditNoteSeen
    | CreditNoteLinesSeen
    | PriceSeen
    | ProductNamed
    | CustomerNamed
    | CustomerSeen
    | Unreadable
)
