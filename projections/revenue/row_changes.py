"""What facts did to rows: every version of a row that they brought about, and when it ended. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from projections.revenue.row_parts import RowParts, SaidPart, ShownPart


class Life(Struct, gc=False):
    """A line's time in the table, without a break: with which event it came. Of what is stored, the table knows it."""

    first_position: int | None


class RowVersion(Struct, gc=False):
    """A row that stands; or stood until just before `until`, when another replaced it or its line was removed.

    It is stored when it stood in the table before. Displaced is what has since left its place: the line is removed, or
    gets another place in the table's order.
    """

    said: SaidPart
    shown: ShownPart
    life: Life
    is_stored: bool = False
    until: int = 0
    is_removed: bool = False
    is_displaced: bool = False

    @property
    def text(self) -> bytes:
        """Give the row's text."""
        return self.said.text + self.shown.text


class RowChanges:
    """What facts did to the rows of one company."""

    def __init__(self) -> None:
        self.ended: list[RowVersion] = []
        self.current: list[RowVersion] = []
        # Rows whose line was displaced: so are all its earlier versions.
        self.displaced: list[SaidPart] = []

    def follow(self, before: Iterable[RowParts], moments: Iterable[tuple[int, Sequence[RowParts]]]) -> None:
        """Take in the rows of one invoice: those before, then at each position those that stand from there on."""
        standing = {said.line_id: RowVersion(said, shown, Life(None), is_stored=True) for said, shown in before}
        since = len(self.ended)
        for position, rows in moments:
            missing = len(standing)
            for said, shown in rows:
                held = standing.get(said.line_id)
                if held is None:
                    standing[said.line_id] = RowVersion(said, shown, Life(position))
                    continue
                missing -= 1
                if shown.change.position == position:
                    self._end(held, position, said, since)
                    standing[said.line_id] = RowVersion(said, shown, held.life)
            if missing:
                for line_id in standing.keys() - {said.line_id for said, _ in rows}:
                    self._end(standing.pop(line_id), position, None, since)
        self.current += [held for held in standing.values() if not held.is_stored]

    def _end(self, held: RowVersion, until: int, follower: SaidPart | None, since: int) -> None:
        said = held.said
        if follower is not said and (follower is None or said.place != follower.place):
            held.is_displaced = True
            self.displaced.append(said)
            for ended in self.ended[since:]:
                ended.is_displaced |= ended.said.line_id == said.line_id
        held.until, held.is_removed = until, follower is None
        self.ended.append(held)
