"""Read what a fact of the log says about revenue, whatever API version rendered it. Pure."""

from collections.abc import Callable

import msgspec
from msgspec import UNSET

from events.stripe import credit_note_shapes as credit_notes
from events.stripe import shapes as wire
from events.stripe.credit_note import (
    UnclearCreditNoteError,
    credit_note_lines_seen,
    credit_note_seen,
    unreadable_credit_note,
)
from events.stripe.decoding import decoded
from events.stripe.details import CustomerDetails
from events.stripe.invoice import UnclearInvoiceError, invoice_seen, line_set_of, lines_fetched, prices_on_lines
from events.stripe.metadata import country_of, metadata_of, text_of
from events.stripe.money import UnknownCurrencyError
from events.stripe.observations import (
    CustomerNamed,
    CustomerSeen,
    InvoiceDeleted,
    Observation,
    ProductNamed,
    Unreadable,
)
from events.stripe.price import price_seen

Reader = Callable[[bytes, str | None], list[Observation]]

# What fetching from Stripe's API adds to the log: bare objects, with the time at which Stripe answered.
FETCHED_FROM_STRIPE = "stripe.api"
INVOICE_FETCHED = "invoice.fetched"
INVOICE_LINES_FETCHED = "invoice_lines.fetched"
PRICE_FETCHED = "price.fetched"
PRODUCT_FETCHED = "product.fetched"
CREDIT_NOTE_FETCHED = "credit_note.fetched"
CREDIT_NOTE_LINES_FETCHED = "credit_note_lines.fetched"
CUSTOMER_FETCHED = "customer.fetched"


def is_about_revenue(event_type: str) -> bool:
    """Return whether facts of this type are read at all. Others stay in the log and are skipped."""
    return event_type in _READERS or (event_type.startswith("invoice.") and event_type not in _PREVIEWS)


def observations_of(event_type: str, entity: str | None, payload: bytes) -> list[Observation]:
    """Return what a fact says about revenue: an `Unreadable`, and no exception, if that cannot be understood."""
    if not is_about_revenue(event_type):
        return []
    try:
        return _READERS.get(event_type, _read_invoice_event)(payload, entity)
    except msgspec.MsgspecError as error:
        return [Unreadable(unreadable_credit_note(str(error)) if event_type.startswith("credit_note") else str(error))]
    except (UnclearInvoiceError, UnclearCreditNoteError) as error:
        return [Unreadable(str(error))]
    except UnknownCurrencyError as error:
        return [Unreadable(f"the currency {error.args[0]!r} is not one whose decimals were checked")]


def _invoice_observations(invoice: wire.Invoice) -> list[Observation]:
    if invoice.status == "draft":
        return []
    line_set = line_set_of(invoice.id, invoice.lines)
    seen = invoice_seen(invoice, line_set)
    named_at = (invoice.status_transitions and invoice.status_transitions.finalized_at) or invoice.effective_at
    observations: list[Observation] = [seen, *line_set.prices]
    if seen.header.customer_id and seen.header.customer_name:
        # The name on an invoice is frozen when it is finalized: a later event does not show a later name.
        observations.append(
            CustomerNamed(seen.header.customer_id, seen.header.customer_name, named_at or invoice.created)
        )
    return observations


def _read_invoice_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return _invoice_observations(decoded(payload, _INVOICE_EVENT).data.object)


def _read_deleted_invoice(payload: bytes, _entity: str | None) -> list[Observation]:
    return [InvoiceDeleted(decoded(payload, _DELETED_EVENT).data.object.id)]


def _read_fetched_invoice(payload: bytes, _entity: str | None) -> list[Observation]:
    return _invoice_observations(decoded(payload, _INVOICE))


def _read_fetched_lines(payload: bytes, entity: str | None) -> list[Observation]:
    lines = decoded(payload, _LINES)
    kind, _, invoice_id = (entity or "").partition(":")
    if kind != "invoice" or not invoice_id or lines.has_more:
        return [Unreadable("a fetched line set names its invoice and is whole")]
    return [lines_fetched(invoice_id, lines), *prices_on_lines(lines)]


def _read_price_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return price_seen(decoded(payload, _PRICE_EVENT).data.object)


def _read_plan_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return price_seen(decoded(payload, _PLAN_EVENT).data.object)


def _read_fetched_price(payload: bytes, _entity: str | None) -> list[Observation]:
    return price_seen(decoded(payload, _PRICE))


def _product_observations(product: wire.Product) -> list[Observation]:
    return [ProductNamed(product.id, product.name, metadata_of(product.metadata))] if product.name else []


def _read_product_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return _product_observations(decoded(payload, _PRODUCT_EVENT).data.object)


def _read_fetched_product(payload: bytes, _entity: str | None) -> list[Observation]:
    return _product_observations(decoded(payload, _PRODUCT))


def _read_credit_note_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return [credit_note_seen(decoded(payload, _CREDIT_NOTE_EVENT).data.object)]


def _read_fetched_credit_note(payload: bytes, _entity: str | None) -> list[Observation]:
    return [credit_note_seen(decoded(payload, _CREDIT_NOTE))]


def _read_fetched_credit_note_lines(payload: bytes, entity: str | None) -> list[Observation]:
    kind, _, note_id = (entity or "").partition(":")
    if kind != "credit_note" or not note_id:
        raise UnclearCreditNoteError("its fetched lines do not name it")
    return [credit_note_lines_seen(note_id, decoded(payload, _CREDIT_NOTE_LINES))]


def _customer_observations(customer: wire.Customer) -> list[Observation]:
    observations: list[Observation] = [CustomerNamed(customer.id, customer.name, None)] if customer.name else []
    if customer.metadata is not UNSET:  # else it is a stub, which says nothing
        details = CustomerDetails(text_of(customer.email), country_of(customer.address), metadata_of(customer.metadata))
        observations.append(CustomerSeen(customer.id, details))
    return observations


def _read_customer_event(payload: bytes, _entity: str | None) -> list[Observation]:
    return _customer_observations(decoded(payload, _CUSTOMER_EVENT).data.object)


def _read_fetched_customer(payload: bytes, _entity: str | None) -> list[Observation]:
    return _customer_observations(decoded(payload, _CUSTOMER))


_INVOICE = msgspec.json.Decoder(wire.Invoice)
_INVOICE_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Invoice])
_DELETED_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Expanded])
_LINES = msgspec.json.Decoder(wire.Lines)
_PRICE = msgspec.json.Decoder(wire.Price)
_PRICE_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Price])
_PLAN_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Plan])
_PRODUCT = msgspec.json.Decoder(wire.Product)
_PRODUCT_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Product])
_CREDIT_NOTE = msgspec.json.Decoder(credit_notes.CreditNote)
_CREDIT_NOTE_EVENT = msgspec.json.Decoder(wire.Envelope[credit_notes.CreditNote])
_CREDIT_NOTE_LINES = msgspec.json.Decoder(credit_notes.CreditNoteLines)
_CUSTOMER = msgspec.json.Decoder(wire.Customer)
_CUSTOMER_EVENT = msgspec.json.Decoder(wire.Envelope[wire.Customer])

# An upcoming invoice is a preview: it has no id, and its lines are temporary.
_PREVIEWS = frozenset({"invoice.upcoming"})
_READERS: dict[str, Reader] = {
    INVOICE_FETCHED: _read_fetched_invoice,
    INVOICE_LINES_FETCHED: _read_fetched_lines,
    PRICE_FETCHED: _read_fetched_price,
    PRODUCT_FETCHED: _read_fetched_product,
    CUSTOMER_FETCHED: _read_fetched_customer,
    CREDIT_NOTE_FETCHED: _read_fetched_credit_note,
    CREDIT_NOTE_LINES_FETCHED: _read_fetched_credit_note_lines,
    "invoice.deleted": _read_deleted_invoice,
    **dict.fromkeys(("credit_note.created", "credit_note.updated", "credit_note.voided"), _read_credit_note_event),
    **dict.fromkeys(("price.created", "price.updated", "price.deleted"), _read_price_event),
    **dict.fromkeys(("plan.created", "plan.updated", "plan.deleted"), _read_plan_event),
    **dict.fromkeys(("product.created", "product.updated", "product.deleted"), _read_product_event),
    **dict.fromkeys(("customer.created", "customer.updated", "customer.deleted"), _read_customer_event),
}
