"""How the table says what is neither money nor an instant: days, and our own names in the middle of a page."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date

from events.stripe.money import EXPONENTS


@lru_cache(maxsize=4096)
def day(told: date) -> str:
    """Write a day: 1 Nov 2025."""
    return format_date(told, "d MMM y", locale="en_US")


def span(start: datetime, end: datetime) -> str:
    """Write a half-open period by its first and its last day."""
    first, last = start.astimezone(UTC).date(), (end - timedelta(microseconds=1)).astimezone(UTC).date()
    return day(first) if last <= first else f"{day(first)} – {day(last)}"


def spoken(name: str) -> str:
    """Write a name of ours as it begins a phrase: semi_annual is Semi-annual."""
    return name.replace("_", "-").capitalize()


def every(unit: str | None, count: int | None, cadence: str) -> str:
    """Write how often a line bills; what has no name of its own, by its interval."""
    if cadence != "other" or not unit or not count:
        return spoken(cadence)
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def month(first: date) -> str:
    """Write a month by its first day: Nov 2025."""
    return format_date(first, "MMM y", locale="en_US")


def spoken_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Give names of ours with what they are called, for somebody to choose from."""
    return [(name, spoken(name)) for name in names]


def currency_choices(held: Sequence[str]) -> list[tuple[str, str]]:
    """Give the currencies to choose from: those that the table holds, or all if it cannot tell."""
    return [(name, name.upper()) for name in held or sorted(EXPONENTS)]
