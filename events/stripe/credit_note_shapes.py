"""The parts of Stripe's JSON of credit notes that we read, in all API versions at once."""

from msgspec import UNSET, Struct, UnsetType

from events.stripe.shapes import Discount, Expanded, Id, MinorUnits, Reference, Tax, UnixSeconds


class CreditNoteLine(Struct):
    """A line of a credit note, for an invoice line or, without one, for a custom amount."""

    id: Id
    amount: MinorUnits
    invoice_line_item: Reference = None
    discount_amount: MinorUnits | None = None
    discount_amounts: list[Discount] | None = None
    taxes: list[Tax] | UnsetType | None = UNSET
    tax_amounts: list[Tax] | None = None


class CreditNoteLines(Struct):
    """A page of a credit note's lines; `invoice` is in the pages that we put together ourselves."""

    data: list[CreditNoteLine]
    has_more: bool = False
    invoice: Id | None = None


class CreditNote(Struct):
    """A credit note."""

    id: Id
    invoice: Id | Expanded
    status: Id
    currency: Id
    amount: MinorUnits
    created: UnixSeconds
    lines: CreditNoteLines
    effective_at: UnixSeconds | None = None
    voided_at: UnixSeconds | None = None
    number: str | None = None
