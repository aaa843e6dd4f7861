"""Render any record of one account and mode as Stripe does, in the shape of an API version."""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.records.records import (
    CreditNote,
    CreditNoteLine,
    Customer,
    Event,
    Invoice,
    Line,
    Price,
    Product,
    Subscription,
)
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.catalog import render_customer, render_price, render_product, render_subscription
from sandbox.stripe.render.credit_note import render_credit_note, render_credit_note_line
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
                return render_credit_note(record, shape, livemode=self.livemode)
            case _:
                message = f"Stripe has no object for {type(record).__name__}"
                raise TypeError(message)

    def line(self, line: Line, invoice: Invoice, shape: Shape) -> Json:
        """Return a line of an invoice."""
        return render_line(line, invoice, shape, livemode=self.livemode)

    def credit_note_line(self, line: CreditNoteLine, shape: Shape) -> Json:
        """Return a line of a credit note."""
        return render_credit_note_line(line, shape, livemode=self.livemode)


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
