"""Sums of the part changes of one company: what is recognized by month, and by stretch of the log. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from projections.recognition.days import month_of
from projections.recognition.month_rows import spread_of
from projections.revenue.parts.part_changes import PartChanges, PartVersion
from projections.revenue.sums import MONTH_STRETCH, stretch_of


class RecognitionKey(NamedTuple):
    """What is recognized is grouped by this. Months are numbers; a stream or plan that there is not is empty."""

    livemode: bool
    currency: str
    stream_id: str
    plan_id: str
    kind: str
    cause: str
    booked_month: int
    month: int


class RecognitionSums:
    """Sums of part changes: a part that came is added, a part that went is subtracted."""

    def __init__(self) -> None:
        # By stretch and by all of the key but the month; then by month: earned and contra.
        self._sums: defaultdict[tuple[Any, ...], dict[int, list[int]]] = defaultdict(dict)

    def add(self, changes: PartChanges) -> None:
        """Add every part that came and subtract every part that went."""
        for version in changes.ended:
            if version.position is not None:
                self._note(version, version.position, 1)
            self._note(version, version.until, -1)
        for version in changes.current:
            if version.position is not None:
                self._note(version, version.position, 1)

    def move(self, position: int, before: RecognitionKey, after: RecognitionKey, earned: int, contra: int) -> None:
        """Subtract amounts at one place and add them at another, if they are not the same: a rule is in no sum."""
        if before == after:
            return
        for sign, (*shared, month) in ((-1, before), (1, after)):
            self._count((stretch_of(position, MONTH_STRETCH), *shared), month, sign * earned, sign * contra)

    def by_stretch(self) -> Iterator[tuple[int, RecognitionKey, int, int]]:
        """Yield what each stretch added to each month: earned and contra, in minor units."""
        for (stretch, *shared), months in sorted(self._sums.items()):
            for month, (earned, contra) in sorted(months.items()):
                yield stretch, RecognitionKey._make((*shared, month)), earned, contra

    def _note(self, version: PartVersion, position: int, sign: int) -> None:
        line_part, part = version.line_part, version.line_part.part
        stretch, booked_month = stretch_of(position, MONTH_STRETCH), month_of(part.booked)
        streams = (part.stream_id or "", part.plan_id or "")
        for column, month, earned, contra in spread_of(part):
            where = (stretch, version.key[0], line_part.currency, *streams, column, part.cause, booked_month)
            self._count(where, month, sign * earned, sign * contra)

    def _count(self, where: tuple[Any, ...], month: int, earned: int, contra: int) -> None:
        total = self._sums[where].setdefault(month, [0, 0])
        total[0] += earned
        total[1] += contra
