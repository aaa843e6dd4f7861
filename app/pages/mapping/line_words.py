"""Labels and text for the fields and the history of a line."""

from datetime import date, datetime
from typing import NamedTuple

from app.pages.mapping.words import day, every, spoken
from app.pages.unreadable import reason_in_words
from app.pages.wording import amount, instant
from projections.reads.explanations import UNREAD
from projections.reads.history import History, Step

_LABELS = {
    "customer_name": "Customer name",
    "customer_id": "Customer ID",
    "customer_name_on_invoice": "Customer name on invoice",
    "customer_email": "Customer e-mail",
    "subscription_id": "Subscription ID",
    "description": "Description",
    "date": "Date",
    "period_start": "Period start",
    "period_end": "Period end",
    "amount": "Amount",
    "discount_amount": "Discount",
    "tax_amount": "Included tax",
    "net_amount": "Net",
    "credited_amount": "Credited",
    "currency": "Currency",
    "type": "Type",
    "cadence": "Cadence",
    "cadence_source": "Cadence source",
    "interval_unit": "Interval unit",
    "interval_count": "Interval count",
    "proration": "Proration",
    "quantity": "Quantity",
    "price_name": "Price name",
    "price_id": "Price",
    "product_name": "Product name",
    "product_id": "Product",
    "invoice_id": "Invoice ID",
    "invoice_number": "Invoice number",
    "invoice_status": "Invoice status",
    "invoice_complete": "All invoice lines known",
    "livemode": "Live mode",
    "invoice_line_item_id": "Invoice line item ID",
}
_SOURCES = {"stripe": "Stripe webhook", "stripe.api": "Stripe API", "revmap": "revmap"}
_OUTCOMES = {
    "added": "Line added",
    "modified": "Line changed",
    "removed": "Line removed",
    "ignored": "No change",
}
_CADENCE_SOURCES = {
    "price": "from its price",
    "plan": "from its plan",
    "no_price": "no price",
    "unknown": "fetching its price",
}


class Money(NamedTuple):
    """The currency of a line's amounts, and its number of decimals."""

    currency: str
    exponent: object


class Said(NamedTuple):
    """A field of a line as text, before and after a step."""

    label: str
    before: str
    after: str


class Happening(NamedTuple):
    """A step of a line's history as text. `position` is the position of the event behind it.

    `event_id` can be looked up at Stripe only if `is_from_stripe`.
    """

    position: int
    outcome: str
    title: str
    event_type: str
    event_id: str
    source: str
    is_from_stripe: bool
    occurred_at: datetime | None
    recorded_at: datetime
    changes: list[Said]
    reasons: list[str]


def happenings_of(history: History) -> list[Happening]:
    """Return a line's history as text, newest first."""
    # A line's currency never changes.
    money = Money(history.first.currency, history.first.currency_exponent) if history.first else Money("", None)
    return [_happening_of(step, money) for step in reversed(history.steps)]


def _happening_of(step: Step, money: Money) -> Happening:
    event, versions = step.event, (step.before, step.after)
    names = [name for name in _LABELS if any(name in fields for fields in versions)]
    changes = [Said(_LABELS[name], *(_words(name, fields.get(name), money) for fields in versions)) for name in names]
    return Happening(
        event.position,
        step.outcome,
        _OUTCOMES[step.outcome],
        event.type,
        event.external_id.rpartition("/")[2],
        _SOURCES.get(event.source, event.source),
        event.source == "stripe",
        event.occurred_at,
        event.recorded_at,
        changes,
        [_reason_of(event.entity, reason) for reason in step.reasons],
    )


def _reason_of(entity: str | None, reason: str) -> str:
    if not reason.startswith(UNREAD):
        return reason
    return reason_in_words(entity, reason.removeprefix(UNREAD).removesuffix("."))


def _words(name: str, value: object, money: Money) -> str:
    match value:
        case None:
            return "–"
        case bool():
            text = "yes" if value else "no"
        case int() if name.endswith("amount") and isinstance(money.exponent, int):
            text = amount(value, money.currency, money.exponent)
        case datetime():
            text = instant(value)
        case date():
            text = day(value)
        case other:
            text = _named(name, str(other))
    return text


def _named(name: str, value: str) -> str:
    if name == "cadence_source":
        return _CADENCE_SOURCES.get(value, value)
    return spoken(value) if name in ("type", "cadence", "invoice_status") else value


def cadence_words(row: object) -> str:
    """Return how often a line bills, and where that is known from."""
    text = every(getattr(row, "interval_unit", None), getattr(row, "interval_count", None), getattr(row, "cadence", ""))
    return f"{text} ({_CADENCE_SOURCES.get(getattr(row, 'cadence_source', ''), '')})"
