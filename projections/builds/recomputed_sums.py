"""Add up what parts recognize by month a second time, and compare it with the stored sums."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, select

from projections.builds.recomputed_parts import MappedPart
from projections.recognition.days import month_text
from projections.revenue.store.parts.part_tables import RECOGNITION_KEY, recognition_by_month, recognition_month_stretch

_EXPENSE = "expense"


class Sums:
    """What is recognized by month, added up a second time; months as texts."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, part: MappedPart) -> None:
        """Add what a part recognizes."""
        found, (stream_id, plan_id, kind, *_) = part.recognized, part.mapped
        booked = f"{found.booked:%Y-%m}"
        key = (part.line[0], part.currency, stream_id or "", plan_id or "")
        for month, amount in found.months.items():
            self._sums[*key, kind, found.cause, booked, month][0] += amount
        of_booked = self._sums[*key, kind, found.cause, booked, booked]
        of_booked[0] -= found.contra
        of_booked[1] += found.contra - found.expense
        if found.expense:
            self._sums[*key, _EXPENSE, found.cause, booked, booked][1] += found.expense

    def not_zero(self) -> dict[tuple[object, ...], tuple[int, int]]:
        """Return earned and contra by what `RECOGNITION_KEY` names."""
        return {key: (earned, contra) for key, (earned, contra) in self._sums.items() if earned or contra}


def differing_sums(connection: Connection, company_id: int, build: int, sums: Sums) -> Iterator[str]:
    """Yield what differs from the stored sums, of all months and of all stretches of the log together."""
    derived = sums.not_zero()
    for table in (recognition_by_month, recognition_month_stretch):
        earned_and_contra: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
        rows = connection.execute(select(table).where(table.c.company_id == company_id, table.c.build == build))
        for row in rows.mappings():
            *names, booked, month = (row[name] for name in RECOGNITION_KEY)
            total = earned_and_contra[*names, month_text(booked), month_text(month)]
            total[0] += int(row["earned"])
            total[1] += int(row["contra"])
        stored = {key: (earned, contra) for key, (earned, contra) in earned_and_contra.items() if earned or contra}
        for key in sorted(derived.keys() | stored.keys(), key=str):
            if derived.get(key, (0, 0)) != stored.get(key, (0, 0)):
                named = " ".join(str(part) for part in key[1:] if part != "")
                yield f"{table.name} {named}: derived {derived.get(key, (0, 0))}, stored {stored.get(key, (0, 0))}"
