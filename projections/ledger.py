"""What changes of rows add up to, in one company: by stretch of the log and by month. Pure.

Sums do not depend on the order or on the batches in which they were added. Stretches are fixed, so that what is kept of
them is the same in every build.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, cast

from projections.canonical import hash_of
from projections.revenue_rows import Row

# How many events of a company's log one stretch holds. Reading as of a moment adds up whole stretches, then the changes
# of a part of one: a hash costs more to make again than a sum. The longer one is a multiple of the shorter.
MONTH_STRETCH = 2048
CHECKSUM_STRETCH = 64


def stretch_of(position: int, size: int) -> int:
    """Give the stretch in which a position lies: stretch 0 begins with position 1."""
    return (position - 1) // size


class MonthKey(NamedTuple):
    """What the sums of a month are told apart by."""

    livemode: bool
    month: date
    currency: str
    invoice_status: str
    type: str
    cadence: str


class MonthSum(NamedTuple):
    """How many lines, and what they bill, in minor units."""

    line_count: int
    amount: int
    net_amount: int


class StretchSum(NamedTuple):
    """What the changes up to `position` did: to the number of rows, and to the sum of their hashes."""

    position: int
    row_count: int
    hashes: int


class Ledger:
    """Sums of changes: a row that comes counts once, a row that goes counts minus once."""

    def __init__(self) -> None:
        self._months: dict[tuple[object, ...], list[int]] = {}
        self._stretches: dict[int, list[int]] = {}
        # At which position the first line of a day came, by (livemode, day).
        self.days: dict[tuple[bool, date], int] = {}

    def came(self, row: Row, text: str, position: int) -> None:
        """Take in that a row came at a position; `text` is its canonical text."""
        self._note(row, position, 1, hash_of(text))

    def went(self, row: Row, text: str, position: int) -> None:
        """Take in that a row went at a position."""
        self._note(row, position, -1, -hash_of(text))

    def came_and_went(self, row: Row, text: str, until: int) -> None:
        """Take in that a row came, and went at `until`."""
        if stretch_of(row.position, CHECKSUM_STRETCH) == stretch_of(until, CHECKSUM_STRETCH):
            self._note(row, until, 0, 0)
        else:
            self.came(row, text, row.position)
            self.went(row, text, until)

    def stretches(self) -> Iterator[tuple[int, StretchSum]]:
        """Give what was done in each stretch."""
        for stretch, total in sorted(self._stretches.items()):
            yield stretch, StretchSum(*total)

    def months_by_stretch(self) -> Iterator[tuple[int, MonthKey, MonthSum]]:
        """Give what each stretch added to each month."""
        for (stretch, *key), total in sorted(self._months.items()):
            yield cast(int, stretch), _month_key(key), MonthSum(*total)

    def months(self) -> Iterator[tuple[MonthKey, MonthSum]]:
        """Give what all stretches together added to each month."""
        totals: dict[MonthKey, MonthSum] = {}
        for (_, *key), total in self._months.items():
            month = _month_key(key)
            totals[month] = MonthSum(*map(sum, zip(total, totals.get(month, (0, 0, 0)), strict=True)))
        yield from sorted(totals.items())

    def _note(self, row: Row, position: int, sign: int, hashes: int) -> None:
        day = row.date
        done = self._stretches.setdefault(stretch_of(position, CHECKSUM_STRETCH), [position, 0, 0])
        done[0] = max(done[0], position)
        done[1] += sign
        done[2] += hashes
        if sign >= 0:
            day_key = (row.livemode, day)
            self.days[day_key] = min(row.position, self.days.get(day_key, row.position))
        stretch = stretch_of(position, MONTH_STRETCH)
        key = (stretch, row.livemode, day.year, day.month, row.currency, row.invoice_status, row.type, row.cadence)
        total = self._months.setdefault(key, [0, 0, 0])
        total[0] += sign
        total[1] += sign * row.amount
        total[2] += sign * row.net_amount


def _month_key(key: list[Any]) -> MonthKey:
    livemode, year, month, *rest = key
    return MonthKey(livemode, date(year, month, 1), *rest)
