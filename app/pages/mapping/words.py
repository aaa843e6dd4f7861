"""Text for days, periods, months and our own names in the table."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date

from events.stripe.money import EXPONENTS

# What the table is ordered by, and its two directions: the one that people ask for first, and the other.
_ORDERS = {
    "date": ("Date", {"-date": "newest first", "date": "oldest first"}),
    "amount": ("Amount", {"-amount": "largest first", "amount": "smallest first"}),
    "customer_name": ("Customer name", {"customer_name": "A to Z", "-customer_name": "Z to A"}),
    "updated_at": ("Updated", {"-updated_at": "newest first", "updated_at": "oldest first"}),
}


@lru_cache(maxsize=4096)
def day(value: date) -> str:
    """Return a day as text: 1 Nov 2025."""
    return format_date(value, "d MMM y", locale="en_US")


def span(start: datetime, end: datetime) -> str:
    """Return a half-open period as its first and last day, in UTC."""
    first, last = start.astimezone(UTC).date(), (end - timedelta(microseconds=1)).astimezone(UTC).date()
    return day(first) if last <= first else f"{day(first)} – {day(last)}"


def spoken(name: str) -> str:
    """Return one of our snake_case names capitalized: semi_annual is Semi-annual."""
    return name.replace("_", "-").capitalize()


def every(unit: str | None, count: int | None, cadence: str) -> str:
    """Return how often a line bills: by cadence, or by interval if the cadence is `other`."""
    if cadence != "other" or not unit or not count:
        return spoken(cadence)
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def month(first: date) -> str:
    """Return a month as text, given its first day: Nov 2025."""
    return format_date(first, "MMM y", locale="en_US")


def spoken_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return names with their labels, for a select field."""
    return [(name, spoken(name)) for name in names]


def sort_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the orders of the table with their labels, each both ways."""
    return [(sort, sort_label(sort)) for name in names for sort in _ORDERS[name][1]]


def sort_label(sort: str) -> str:
    """Return the label of an order: Date, newest first."""
    title, directions = _ORDERS[sort.removeprefix("-")]
    return f"{title}, {directions[sort]}"


def other_sort(name: str, sort: str) -> str:
    """Return the order that the heading of a column leads to, from an order of the table."""
    first, second = _ORDERS[name][1]
    return second if sort == first else first


def currency_choices(held: Sequence[str]) -> list[tuple[str, str]]:
    """Return the currencies to choose from with their labels: those of the table, or all we know if it has none."""
    return [(name, name.upper()) for name in held or sorted(EXPONENTS)]
