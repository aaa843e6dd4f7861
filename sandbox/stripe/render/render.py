"""Render any record of one account and mode as Stripe does, in the shape of an API version."""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.records.ids import sibling
from sandbox.stripe.records.records import CreditNote, Customer, Event, Invoice, Line, Price, Product, Subscription
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.catalog import render_customer, render_price, render_product, render_subscription
from sandbox.stripe.render.invoice import render_invoice
from sandbox.stripe.render.lines import render_line

Json = dict[str, Any]


def to_bytes(document: object) -> bytes:
    """Return a document as JSON the way Stripe writes it: UTF-8, not escaped."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Renderer:
    """A renderer of the records of one account and mode."""

    account_name: str
    livemode: bool

    def render(self, record: object, shape: Shape) -> Json:
        """Return a record as the API shows it now. Events and lines have their own functions."""
        match record:
            case Invoice():
                return render_invoice(record, shape, livemode=self.livemode, account_name=self.account_name)
            case Customer():
                return render_customer(record, livemode=self.livemode)
            case Product():
                return render_product(record, livemode=self.livemode)
            case Price():
                return render_price(record, livemode=self.livemode)
            case Subscription():
                return render_subscription(record, livemode=self.livemode)
            case CreditNote():
                return _credit_note(record, livemode=self.livemode)
            case _:
                message = f"Stripe has no object for {type(record).__name__}"
                raise TypeError(message)

    def line(self, line: Line, invoice: Invoice, shape: Shape) -> Json:
        """Return a line of an invoice."""
        return render_line(line, invoice, shape, livemode=self.livemode)


def render_event(event: Event, version: str, *, account_id: str | None = None) -> bytes:
    """Return an event as bytes in one of its recorded versions. `account_id` is set only for Connect deliveries."""
    head: Json = {"id": event.id, "object": "event"}
    if account_id is not None:
        head["account"] = account_id
    head |= {"api_version": version, "created": event.created}
    tail = {
        "livemode": event.livemode,
        "pending_webhooks": 1,
        "request": {"id": event.request_id, "idempotency_key": None},
        "type": event.type,
    }
    return b"".join((to_bytes(head)[:-1], b',"data":', event.data[version], b",", to_bytes(tail)[1:]))


def render_account(account_id: str, *, name: str, created: int) -> Json:
    """Return an account as `/v1/account` shows it."""
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {"mcc": None, "name": name, "url": None},
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "created": created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": f"owner@{account_id.replace('_', '-').lower()}.test",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": name, "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def _credit_note(note: CreditNote, *, livemode: bool) -> Json:
    line = {
        "id": sibling(note.id, "cnli"),
        "object": "credit_note_line_item",
        "amount": note.amount,
        "description": "Refund",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": livemode,
        "quantity": 1,
        "taxes": [],
        "type": "invoice_line_item" if note.line_id else "custom_line_item",
        "unit_amount": note.amount,
        "unit_amount_decimal": str(note.amount),
    }
    if note.line_id:
        line["invoice_line_item"] = note.line_id
    return {
        "id": note.id,
        "object": "credit_note",
        "amount": note.amount,
        "created": note.created,
        "currency": note.invoice.currency,
        "customer": note.invoice.customer.id,
        "discount_amount": 0,
        "effective_at": note.created,
        "invoice": note.invoice.id,
        "lines": {"object": "list", "data": [line], "has_more": False, "url": f"/v1/credit_notes/{note.id}/lines"},
        "livemode": livemode,
        "memo": None,
        "metadata": {},
        "number": note.number,
        "post_payment_amount": note.amount - note.before_payment,
        "pre_payment_amount": note.before_payment,
        "reason": note.reason,
        "status": "issued",
        "subtotal": note.amount,
        "total": note.amount,
        "type": "pre_payment" if note.before_payment else "post_payment",
        "voided_at": None,
    }
