"""When something recurs: daily or monthly, at an hour of a time zone. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Recurs = Literal["daily", "monthly"]

_MONTHS_OF_A_YEAR = 12


class Recurrence(NamedTuple):
    """Every day, or every month on a day (of shorter months the last), at an hour on the clocks of a time zone."""

    recurs: Recurs
    day: int | None
    hour: int
    time_zone: str

    def after(self, moment: datetime) -> datetime:
        """Return the first moment after this one, in UTC. An hour that clocks skip is the one that follows."""
        zone = ZoneInfo(self.time_zone)
        first = moment.astimezone(zone).date()
        days = _every_day(first) if self.day is None else _every_month(first, self.day)
        moments = (datetime.combine(day, time(self.hour), zone).astimezone(UTC) for day in days)
        return next(one for one in moments if one > moment)

    def newest_due(self, due: datetime, now: datetime) -> tuple[datetime, datetime]:
        """Return the last moment from `due` up to `now`, and the first one after it."""
        following = self.after(due)
        while following <= now:
            due, following = following, self.after(following)
        return due, following


def _every_day(first: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in count())


def _every_month(first: date, day: int) -> Iterator[date]:
    months = (divmod(first.year * _MONTHS_OF_A_YEAR + first.month - 1 + n, _MONTHS_OF_A_YEAR) for n in count())
    return (date(year, month + 1, min(day, monthrange(year, month + 1)[1])) for year, month in months)
