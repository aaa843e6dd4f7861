"""Text for days, periods, months and our own names in the table."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date

from events.stripe.money import EXPONENTS

_HIGH = {"date": "newest", "amount": "largest"}
_LOW = {"date": "oldest", "amount": "smallest"}


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
    return [
        choice
        for name in names
        for choice in (
            (f"-{name}", f"{spoken(name)}, {_HIGH.get(name, 'Z to A')} first"),
            (name, f"{spoken(name)}, {_LOW.get(name, 'A to Z')} first"),
        )
    ]


def currency_choices(held: Sequence[str]) -> list[tuple[str, str]]:
    """Return the currencies to choose from with their labels: those of the table, or all we know if it has none."""
    return [(name, name.upper()) for name in held or sorted(EXPONENTS)]
