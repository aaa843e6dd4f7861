"""The row versions that facts made, and the positions at which they ended. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from projections.revenue.row import UNKNOWN
from projections.revenue.row_parts import FixedPart, RowParts, VariablePart


class Life(Struct, gc=False):
    """A line's uninterrupted time in the table: the event it came with, None while only the table knows it."""

    first_position: int | None


class RowVersion(Struct, gc=False):
    """A row that stands, or stood until just before `until`, when another replaced it or its line was removed.

    It is stored if it was in the table before these changes. It is displaced if its line has since left its place: the
    line was removed, or got another place in the table's order.
    """

    fixed: FixedPart
    variable: VariablePart
    life: Life
    is_stored: bool = False
    until: int = 0
    is_removed: bool = False
    is_displaced: bool = False

    @property
    def text(self) -> bytes:
        """Return the row's text."""
        return self.fixed.text + self.variable.text


class RowChanges:
    """The changes that facts made to the rows of one company."""

    def __init__(self) -> None:
        self.ended: list[RowVersion] = []
        self.current: list[RowVersion] = []
        # Rows whose line was displaced; all earlier versions of the line are displaced as well.
        self.displaced: list[FixedPart] = []

    @property
    def has_unknown(self) -> bool:
        """Return whether the price of a current row was never seen."""
        return any(row.variable.billing.type == UNKNOWN and row.fixed.sold[0] is not None for row in self.current)

    def follow(self, before: Iterable[RowParts], moments: Iterable[tuple[int, Sequence[RowParts]]]) -> None:
        """Record the row versions of one invoice, given its rows before and those that stand from each position on."""
        standing = {
            fixed.line_id: RowVersion(fixed, variable, Life(None), is_stored=True) for fixed, variable in before
        }
        since = len(self.ended)
        for position, rows in moments:
            missing = len(standing)
            for fixed, variable in rows:
                held = standing.get(fixed.line_id)
                if held is None:
                    standing[fixed.line_id] = RowVersion(fixed, variable, Life(position))
                    continue
                missing -= 1
                if variable.change.position == position:
                    self._end(held, position, fixed, since)
                    standing[fixed.line_id] = RowVersion(fixed, variable, held.life)
            if missing:
                for line_id in standing.keys() - {fixed.line_id for fixed, _ in rows}:
                    self._end(standing.pop(line_id), position, None, since)
        self.current += [held for held in standing.values() if not held.is_stored]

    def _end(self, held: RowVersion, until: int, follower: FixedPart | None, since: int) -> None:
        fixed = held.fixed
        if follower is not fixed and (follower is None or fixed.place != follower.place):
            held.is_displaced = True
            self.displaced.append(fixed)
            for ended in self.ended[since:]:
                ended.is_displaced |= ended.fixed.line_id == fixed.line_id
        held.until, held.is_removed = until, follower is None
        self.ended.append(held)
