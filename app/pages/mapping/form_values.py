"""What the fields of the filter form show for a view, where that differs from the API's parameters."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.pages.mapping.amounts import major_units
from events.stripe.money import EXPONENTS

Query = Mapping[str, Any]


def one_currency(query: Query) -> str:
    """Return the currency that a view is filtered by; empty if it is none or several."""
    chosen = query.get("currency", ())
    return str(chosen[0]) if len(chosen) == 1 else ""


def _money(name: str) -> Callable[[Query, str], str]:
    def written(query: Query, units_of: str) -> str:
        units, currency = query.get(name), one_currency(query) or units_of
        return major_units(units, currency) if units is not None and currency in EXPONENTS else ""

    return written


def _last_day(query: Query, _units_of: str) -> str:
    day: date | None = query.get("date_to")
    return (day - timedelta(days=1)).isoformat() if day and day > date.min else ""


def _moment(query: Query, _units_of: str) -> str:
    as_of = query.get("as_of")
    return as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if isinstance(as_of, datetime) else ""


# By field: what it shows, given the parsed query and the currency of amounts if the query names none.
WRITTEN: Mapping[str, Callable[[Query, str], str]] = {
    "amount_from": _money("amount_min"),
    "amount_to": _money("amount_max"),
    "last_day": _last_day,
    "moment": _moment,
}
