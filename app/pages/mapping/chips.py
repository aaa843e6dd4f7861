"""Chips for the active filters of a view, each with the URL that removes it."""

from datetime import date, timedelta
from typing import NamedTuple

from app.pages.mapping.query import FILTERS, View
from app.pages.mapping.words import day, spoken
from app.pages.wording import amount, instant
from events.stripe.money import EXPONENTS

_LABELS = {
    "q": "Search",
    "customer_id": "Customer",
    "subscription_id": "Subscription",
    "invoice_id": "Invoice",
    "invoice_status": "Status",
    "type": "Type",
    "cadence": "Cadence",
    "currency": "Currency",
    "date_from": "From",
    "date_to": "Through",
    "amount_min": "At least",
    "amount_max": "At most",
    "modified_after": "Changed after",
    "livemode": "Mode",
}
_SPOKEN = frozenset({"invoice_status", "type", "cadence"})


class Chip(NamedTuple):
    """An active filter, and the URL of the view without it."""

    label: str
    value: str
    href: str


def chips_of(view: View) -> list[Chip]:
    """Return the active filters of a view; those with a mistake are left out."""
    names = [name for name in FILTERS if name in view.words and name in view.query]
    return [Chip(_LABELS[name], _value(view, name), _without(view, name)) for name in names]


def _without(view: View, name: str) -> str:
    # Amounts are in a currency: without it they would mean something else.
    return view.link("", name, *(("amount_min", "amount_max") if name == "currency" else ()))


def _value(view: View, name: str) -> str:
    value, currency = view.query[name], str(view.query.get("currency", ""))
    if name in ("amount_min", "amount_max"):
        known = currency in EXPONENTS
        return amount(value, currency, EXPONENTS[currency]) if known else f"{value} minor units"
    if name in ("date_from", "date_to"):
        return day(value - timedelta(days=1) if name == "date_to" and value > date.min else value)
    if name == "livemode":
        return "live" if value else "test"
    if name == "modified_after":
        return instant(value)
    if name == "currency":
        return str(value).upper()
    return spoken(value) if name in _SPOKEN else str(value)
