"""Days of a company's time zone, and months, as whole numbers. Pure.

A day is a proleptic Gregorian ordinal (`datetime.date.toordinal`), a month is the number of months before it since
year 0: both count up by one, so that lengths are subtractions. Zones come from the locked `tzdata` package and never
from the machine's own files: the same facts give the same months everywhere.
"""

from calendar import monthrange
from datetime import date, datetime
from functools import cache, lru_cache
from importlib import metadata, resources
from zoneinfo import ZoneInfo

# Kept with a company's policy: rules of zones change, and closed months have to say by which they were counted.
TZDATA_VERSION = metadata.version("tzdata")

_MONTHS_OF_YEAR = 12
# 9999-01-01, as a second and as a day: later ones count as this one, so that every day has a month that follows it.
LAST_SECOND = 253_370_764_800
_LAST_DAY = date(9999, 1, 1).toordinal()
_FIRST_DAY = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
# The zone of most companies, whose days need no table.
_UTC = "UTC"


class UnknownTimeZoneError(LookupError):
    """The IANA time zone database has no zone of this name."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset((resources.files("tzdata") / "zones").read_text().split())


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, such as `Europe/Prague`.

    :raises UnknownTimeZoneError: there is none
    """
    if name not in zone_names():
        raise UnknownTimeZoneError(name)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def day_of(second: int, zone: ZoneInfo) -> int:
    """Return the day on which a Unix second falls in a time zone."""
    second = min(second, LAST_SECOND)
    return utc_day_of(second) if zone.key == _UTC else _local_day_of(second, zone)


def utc_day_of(second: int) -> int:
    """Return the day on which a Unix second falls in UTC."""
    return second // _DAY_SECONDS + _FIRST_DAY


@lru_cache(1 << 16)
def _local_day_of(second: int, zone: ZoneInfo) -> int:
    return datetime.fromtimestamp(second, zone).toordinal()


@lru_cache(1 << 16)
def month_of(day: int) -> int:
    """Return the month of a day."""
    found = date.fromordinal(day)
    return found.year * _MONTHS_OF_YEAR + found.month - 1


@lru_cache(1 << 14)
def first_day(month: int) -> int:
    """Return the first day of a month."""
    return date(month // _MONTHS_OF_YEAR, month % _MONTHS_OF_YEAR + 1, 1).toordinal()


def plus_months(day: int, count: int) -> int:
    """Return the same day of the month `count` months later, or its last day if it is shorter."""
    found = date.fromordinal(day)
    year, index = divmod(month_of(day) + count, _MONTHS_OF_YEAR)
    if year >= date.max.year:
        return _LAST_DAY
    return date(year, index + 1, min(found.day, monthrange(year, index + 1)[1])).toordinal()


def month_named(text: str) -> int:
    """Return the month of a text `YYYY-MM`.

    :raises ValueError: it has another form
    """
    return month_of(date.fromisoformat(f"{text}-01").toordinal())


def month_text(month: int) -> str:
    """Return a month as `YYYY-MM`."""
    return f"{month // _MONTHS_OF_YEAR:04}-{month % _MONTHS_OF_YEAR + 1:02}"
