"""The versions of parts that facts made, and the positions at which they ended. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from projections.revenue.parts.invoice_parts import LinePart, PartsByPlace
from projections.revenue.state import Key


class PartVersion(Struct, gc=False):
    """A part that stands since `position`, or stood until just before `until`.

    It is stored if it was in the table before these changes; then only the table knows since when.
    """

    key: Key
    line_part: LinePart
    position: int | None
    until: int = 0

    @property
    def is_stored(self) -> bool:
        """Return whether the table has it."""
        return self.position is None


class PartChanges:
    """The changes that facts made to the parts of one company."""

    def __init__(self) -> None:
        self.ended: list[PartVersion] = []
        self.current: list[PartVersion] = []

    def follow(self, key: Key, before: PartsByPlace, moments: Iterable[tuple[int, PartsByPlace]]) -> None:
        """Record the part versions of one invoice, given its parts before and those that stand from each position on.

        A part that stays the same goes on, whatever else of its line changes.
        """
        standing = {place: PartVersion(key, part, None) for place, part in before.items()}
        last = before
        for position, parts in moments:
            if parts is last:
                continue
            last = parts
            for place in [place for place in standing if place not in parts]:
                self._end(standing.pop(place), position)
            for place, part in parts.items():
                held = standing.get(place)
                if held is None or held.line_part != part:
                    if held is not None:
                        self._end(held, position)
                    standing[place] = PartVersion(key, part, position)
        self.current += [held for held in standing.values() if not held.is_stored]

    def _end(self, version: PartVersion, until: int) -> None:
        version.until = until
        if version.is_stored or version.position != until:
            self.ended.append(version)
