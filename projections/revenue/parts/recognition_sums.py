"""Sums of the part changes of one company: what is recognized by month, and by stretch of the log. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from projections.recognition.month_rows import month_rows
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
        self._sums: defaultdict[tuple[int, RecognitionKey], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, changes: PartChanges) -> None:
        """Add every part that came and subtract every part that went."""
        for version in changes.ended:
            if version.position is not None:
                self._note(version, version.position, 1)
            self._note(version, version.until, -1)
        for version in changes.current:
            if version.position is not None:
                self._note(version, version.position, 1)

    def by_stretch(self) -> Iterator[tuple[int, RecognitionKey, int, int]]:
        """Yield what each stretch added to each month: earned and contra, in minor units."""
        for (stretch, key), (earned, contra) in sorted(self._sums.items()):
            yield stretch, key, earned, contra

    def _note(self, version: PartVersion, position: int, sign: int) -> None:
        stretch, livemode, line_part = stretch_of(position, MONTH_STRETCH), version.key[0], version.line_part
        for row in month_rows(line_part.part, line_part.currency):
            streams = (row.stream_id or "", row.plan_id or "")
            key = RecognitionKey(livemode, row.currency, *streams, row.kind, row.cause, row.booked_month, row.month)
            total = self._sums[stretch, key]
            total[0] += sign * row.earned
            total[1] += sign * row.contra
