"""A line's fields and its history in people's words."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from app.pages.mapping.words import day, every, spoken
from app.pages.wording import amount, instant
from projections.reads.history import Step

_LABELS = {
    "customer_name": "Customer name",
    "customer_id": "Customer id",
    "customer_name_on_invoice": "Customer name on the invoice",
    "subscription_id": "Subscription id",
    "description": "Description",
    "date": "Date",
    "period_start": "Period from",
    "period_end": "Period until",
    "amount": "Amount",
    "discount_amount": "Discount",
    "tax_amount": "Included tax",
    "net_amount": "Net",
    "currency": "Currency",
    "type": "Type",
    "cadence": "Cadence",
    "cadence_source": "Cadence known from",
    "interval_unit": "Interval's unit",
    "interval_count": "Interval's count",
    "proration": "Proration",
    "quantity": "Quantity",
    "price_id": "Price",
    "product_id": "Product",
    "invoice_id": "Invoice id",
    "invoice_number": "Invoice number",
    "invoice_status": "Invoice status",
    "invoice_complete": "All lines of the invoice known",
    "livemode": "Live mode",
    "invoice_line_item_id": "Invoice line item id",
}
_SOURCES = {"stripe": "Stripe told us (webhook)", "stripe.api": "We asked Stripe", "revmap": "revmap itself"}
_OUTCOMES = {
    "added": "The line came into the table",
    "modified": "The line changed",
    "removed": "The line left the table",
    "ignored": "Nothing changed",
}
_CADENCE_SOURCES = {
    "price": "by its price",
    "plan": "by its plan",
    "no_price": "it has no price",
    "unknown": "its price is being fetched",
}


class Money(NamedTuple):
    """What a line's amounts are in."""

    currency: str
    exponent: object


class Said(NamedTuple):
    """A field of a line, in words: as it was and as it became."""

    label: str
    before: str
    after: str


class Happening(NamedTuple):
    """A step of a line's history in words; `position` is that of the event behind it.

    The event's id is one that its reader can look up if it came from Stripe.
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


def happenings_of(steps: Sequence[Step]) -> list[Happening]:
    """Tell a line's history, newest first."""
    # A line's currency never changes, and the step that brought the line told it.
    told = next((said for step in steps for said in (step.after, step.before) if "currency" in said), {})
    money = Money(str(told.get("currency", "")), told.get("currency_exponent"))
    return [_happening_of(step, money) for step in reversed(steps)]


def _happening_of(step: Step, money: Money) -> Happening:
    event, told = step.event, (step.before, step.after)
    names = [name for name in _LABELS if any(name in said for said in told)]
    changes = [Said(_LABELS[name], *(_words(name, said.get(name), money) for said in told)) for name in names]
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
        step.reasons,
    )


def _words(name: str, value: object, money: Money) -> str:
    match value:
        case None:
            return "–"
        case bool():
            told = "yes" if value else "no"
        case int() if name.endswith("amount") and isinstance(money.exponent, int):
            told = amount(value, money.currency, money.exponent)
        case datetime():
            told = instant(value)
        case date():
            told = day(value)
        case other:
            told = _named(name, str(other))
    return told


def _named(name: str, value: str) -> str:
    if name == "cadence_source":
        return _CADENCE_SOURCES.get(value, value)
    return spoken(value) if name in ("type", "cadence", "invoice_status") else value


def cadence_words(row: object) -> str:
    """Write how often a line bills, and how that is known."""
    told = every(getattr(row, "interval_unit", None), getattr(row, "interval_count", None), getattr(row, "cadence", ""))
    return f"{told}: {_CADENCE_SOURCES.get(getattr(row, 'cadence_source', ''), '')}"
