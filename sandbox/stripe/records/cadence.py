"""Compute billing periods on the calendar, and format intervals and amounts."""

import calendar
from datetime import UTC, datetime, timedelta

Every = tuple[int, str]

COMMON: tuple[Every, ...] = ((1, "month"), (3, "month"), (6, "month"), (12, "month"), (1, "year"))
ODD: tuple[Every, ...] = ((1, "day"), (1, "week"), (4, "week"), (2, "month"), (2, "year"))

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "kwd": "KWD "}
_DECIMALS = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3}


def period_end(start: int, every: Every) -> int:
    """Return the Unix second one interval after `start`; the 31st becomes the last day of a shorter month."""
    count, unit = every
    begin = datetime.fromtimestamp(start, UTC)
    if unit in _DAYS:
        return int((begin + timedelta(days=count * _DAYS[unit])).timestamp())
    months = begin.year * 12 + begin.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    day = min(begin.day, calendar.monthrange(year, month + 1)[1])
    return int(begin.replace(year=year, month=month + 1, day=day).timestamp())


def in_words(every: Every) -> str:
    """Return an interval in words: `month` or `every 3 months`."""
    count, unit = every
    return unit if count == 1 else f"every {count} {unit}s"


def money(minor_units: int, currency: str) -> str:
    """Return an amount as an invoice shows it, for example `$100.00`."""
    decimals = _DECIMALS[currency]
    sign = "-" if minor_units < 0 else ""
    whole, part = divmod(abs(minor_units), 10**decimals)
    return f"{sign}{_SYMBOLS[currency]}{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")
