"""What changes of rows add up to, in one company: by stretch of the log and by month. Pure.

Sums do not depend on the order or on the batches in which they were added. Stretches are fixed, so that what is kept of
them is the same in every build.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from projections.canonical import hash_of
from projections.revenue_rows import Row

# How many events of a company's log one stretch holds. Reading as of a moment adds up whole stretches, then the changes
# of a part of one.
STRETCH_EVENTS = 2048


def stretch_of(position: int) -> int:
    """Give the stretch in which a position lies: stretch 0 begins with position 1."""
    return (position - 1) // STRETCH_EVENTS


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
        self._months: dict[tuple[int, MonthKey], MonthSum] = {}
        self.stretches: dict[int, StretchSum] = {}

    def note(self, row: Row, text: str, position: int, sign: int) -> None:
        """Take in that a row came (sign 1) or went (-1) at a position; `text` is its canonical text."""
        stretch = stretch_of(position)
        at, row_count, hashes = self.stretches.get(stretch, (position, 0, 0))
        self.stretches[stretch] = StretchSum(max(at, position), row_count + sign, hashes + sign * hash_of(text))
        key = (stretch, _month_of(row))
        line_count, amount, net_amount = self._months.get(key, (0, 0, 0))
        self._months[key] = MonthSum(line_count + sign, amount + sign * row.amount, net_amount + sign * row.net_amount)

    def months_by_stretch(self) -> Iterator[tuple[int, MonthKey, MonthSum]]:
        """Give what each stretch added to each month."""
        for (stretch, key), total in sorted(self._months.items()):
            yield stretch, key, total

    def months(self) -> Iterator[tuple[MonthKey, MonthSum]]:
        """Give what all stretches together added to each month."""
        totals: dict[MonthKey, MonthSum] = {}
        for (_, key), total in self._months.items():
            totals[key] = MonthSum(*map(sum, zip(total, totals.get(key, (0, 0, 0)), strict=True)))
        yield from sorted(totals.items())


def _month_of(row: Row) -> MonthKey:
    month = row.date.replace(day=1)
    return MonthKey(row.livemode, month, row.currency, row.invoice_status, row.type, row.cadence)
