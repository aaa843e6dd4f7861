"""Sums of the row changes of one company: by stretch of the log and by month. Pure.

Sums do not depend on the order or the batches in which changes were added. Stretches have a fixed length, so that what
is stored of them is the same in every build.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from projections.revenue.row_changes import RowChanges, RowVersion
from projections.revenue.row_parts import BilledMonth, Grouping
from projections.revenue.row_text import hash_of

# How many events of a company's log make one stretch. Reading as of a moment adds up whole stretches, then the changes
# in part of one: computing a hash again costs more than a sum. The longer one is a multiple of the shorter.
MONTH_STRETCH = 2048
CHECKSUM_STRETCH = 64
_NEVER = 1 << 63


def stretch_of(position: int, size: int) -> int:
    """Return the stretch that a position belongs to: stretch 0 begins with position 1."""
    return (position - 1) // size


class MonthKey(NamedTuple):
    """What the sums of a month are grouped by."""

    livemode: bool
    month: date
    currency: str
    invoice_status: str
    type: str
    cadence: str


class MonthSum(NamedTuple):
    """The number of lines, and what they bill, in minor units."""

    line_count: int
    amount: int
    net_amount: int


class StretchSum(NamedTuple):
    """What the changes up to `position` add to the number of rows and to the sum of their hashes."""

    position: int
    row_count: int
    hashes: int


class RowSums:
    """Sums of row changes: a row that came counts as 1, a row that went as -1."""

    def __init__(self) -> None:
        self._months: dict[tuple[int, BilledMonth, Grouping], list[int]] = {}
        self._stretches: dict[int, list[int]] = {}
        # The position at which the first line of a day came, by (livemode, day).
        self.days: dict[tuple[bool, date], int] = {}

    def add(self, changes: RowChanges) -> None:
        """Add every row that came and subtract every row that went."""
        for row in changes.ended:
            if row.is_stored:
                self._note(row, row.until, -1, -hash_of(row.text))
            else:
                self._came_and_went(row)
        for row in changes.current:
            self._note(row, row.variable.change.position, 1, hash_of(row.text))

    def stretches(self) -> Iterator[tuple[int, StretchSum]]:
        """Yield the sum of each stretch."""
        for stretch, total in sorted(self._stretches.items()):
            yield stretch, StretchSum(*total)

    def months_by_stretch(self) -> Iterator[tuple[int, MonthKey, MonthSum]]:
        """Yield what each stretch added to each month."""
        for (stretch, month, grouping), total in sorted(self._months.items()):
            yield stretch, MonthKey(*month, *grouping), MonthSum(*total)

    def _came_and_went(self, row: RowVersion) -> None:
        came_at = row.variable.change.position
        if stretch_of(came_at, CHECKSUM_STRETCH) == stretch_of(row.until, CHECKSUM_STRETCH):
            self._note(row, row.until, 0, 0)
        else:
            hashes = hash_of(row.text)
            self._note(row, came_at, 1, hashes)
            self._note(row, row.until, -1, -hashes)

    def _note(self, row: RowVersion, position: int, sign: int, hashes: int) -> None:
        fixed, variable = row.fixed, row.variable
        stretch = stretch_of(position, CHECKSUM_STRETCH)
        done = self._stretches.get(stretch)
        if done is None:
            done = self._stretches[stretch] = [position, 0, 0]
        elif done[0] < position:
            done[0] = position
        done[1] += sign
        done[2] += hashes
        key = (stretch_of(position, MONTH_STRETCH), fixed.month, variable.grouping)
        total = self._months.get(key)
        if total is None:
            total = self._months[key] = [0, 0, 0]
        total[0] += sign
        total[1] += sign * fixed.amount
        total[2] += sign * fixed.net_amount
        if sign >= 0 and variable.change.position < self.days.get(fixed.day, _NEVER):
            self.days[fixed.day] = variable.change.position
