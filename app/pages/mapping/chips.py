"""Chips for the active filters of a view, each with the URL that removes it."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from app.pages.mapped.mapped_lines import LAYERS
from app.pages.mapping.form_values import one_currency
from app.pages.mapping.query import FILTERS, View
from app.pages.mapping.words import day, spoken
from app.pages.wording import amount, instant
from events.stripe.money import EXPONENTS
from projections.reads.table.filters import SEVERAL

_LABELS = {
    "q": "Search",
    "customer_id": "Customer",
    "subscription_id": "Subscription",
    "invoice_id": "Invoice",
    "price_id": "Price",
    "product_id": "Product",
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
    "mapped": "Mapped",
    "stream_id": "Stream",
    "plan_id": "Plan",
    "layer": "Mapped by",
}
_NO_NAMES: Mapping[str, str] = {}
_SPOKEN = frozenset({"invoice_status", "type", "cadence"})


class Chip(NamedTuple):
    """An active filter, or one of its values, and the URL of the view without it."""

    label: str
    value: str
    href: str


def chips_of(view: View, names: Mapping[str, str] = _NO_NAMES) -> list[Chip]:
    """Return the active filters of a view, each value by itself; those with a mistake are left out.

    `names` are those of streams and plans, by their ids.
    """
    return [
        Chip(_LABELS[name], text, href)
        for name in FILTERS
        if name in view.given and name in view.query
        for text, href in (
            _values(view, name, names) if name in SEVERAL else [(_value(view, name), view.link("", name))]
        )
    ]


def _values(view: View, name: str, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    # Amounts are in a currency: without it they would mean something else.
    bound = ("amount_min", "amount_max") if name == "currency" else ()
    said = view.chosen(name)
    for value in said:
        text = value.upper() if name == "currency" else spoken(value) if name in _SPOKEN else names.get(value, value)
        text = LAYERS.get(value, text) if name == "layer" else text
        yield text, view.link_with(name, [other for other in said if other != value], *bound)


def _value(view: View, name: str) -> str:
    value, currency = view.query[name], one_currency(view.query)
    if name in ("amount_min", "amount_max"):
        known = currency in EXPONENTS
        return amount(value, currency, EXPONENTS[currency]) if known else f"{value} minor units"
    if name in ("date_from", "date_to"):
        return day(value - timedelta(days=1) if name == "date_to" and value > date.min else value)
    if name == "mapped":
        return "yes" if value else "no"
    if name == "livemode":
        return "live" if value else "test"
    return instant(value) if name == "modified_after" else str(value)
