"""Reports of recognized revenue, as sums over month rows. Pure.

A deferred balance is a contract liability, an unbilled one a contract asset (ASC 606-10-45-2 and 45-3). Amounts of
different currencies are never added.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Literal, NamedTuple

from projections.recognition.month_rows import Column, MonthRow
from projections.recognition.outcome import REVENUE

By = Literal["stream", "plan", "none"]

# Deferred revenue and the waterfall count both, so that what is written off leaves the balance, too.
_OF_REVENUE = frozenset({REVENUE, "expense"})


class Group(NamedTuple):
    """What a report is broken down by. Streams and plans that are not asked for are None, as unmapped ones are."""

    currency: str
    stream_id: str | None
    plan_id: str | None


class RecognitionCell(NamedTuple):
    """What a month recognizes."""

    month: int
    group: Group
    kind: Column
    earned: int
    contra: int

    @property
    def net(self) -> int:
        """Return what is earned, less what is taken back."""
        return self.earned + self.contra


class DeferredCell(NamedTuple):
    """How deferred revenue rolls forward: closing is opening + booked - earned - contra, and deferred - unbilled."""

    month: int
    group: Group
    opening: int
    booked: int
    earned: int
    contra: int
    closing: int
    deferred: int
    unbilled: int


class WaterfallCell(NamedTuple):
    """What was booked in one month and is recognized in another."""

    booked_month: int
    recognized_month: int
    group: Group
    amount: int


def recognition_cells(rows: Iterable[MonthRow], by: By) -> list[RecognitionCell]:
    """Return what each month recognizes, by kind, without cells that are zero."""
    sums: defaultdict[tuple[int, Group, Column], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        total = sums[row.month, _group(row, by), row.kind]
        total[0] += row.earned
        total[1] += row.contra
    cells = [RecognitionCell(*key, *amounts) for key, amounts in sums.items() if any(amounts)]
    return sorted(cells, key=lambda cell: (cell.month, _order(cell.group), cell.kind))


def deferred_cells(rows: Iterable[MonthRow], by: By, first: int, last: int) -> list[DeferredCell]:
    """Return how deferred revenue rolls forward from month to month, without months in which there is none.

    The rows have to be all there are: what was booked before `first` opens it, what is earned after `last` is deferred.
    """
    groups: defaultdict[Group, list[MonthRow]] = defaultdict(list)
    for row in rows:
        if row.kind in _OF_REVENUE:
            groups[_group(row, by)].append(row)
    cells = [
        cell
        for group, rows_of_group in groups.items()
        for cell in _rolled_forward(group, rows_of_group, last)
        if cell.month >= first and any(cell[2:])
    ]
    return sorted(cells, key=lambda cell: (cell.month, _order(cell.group)))


def waterfall_cells(rows: Iterable[MonthRow], by: By) -> list[WaterfallCell]:
    """Return booked months by recognized months, without cells that are zero."""
    sums: defaultdict[tuple[int, int, Group], int] = defaultdict(int)
    for row in rows:
        if row.kind in _OF_REVENUE:
            sums[row.booked_month, row.month, _group(row, by)] += row.earned + row.contra
    cells = [WaterfallCell(*key, amount) for key, amount in sums.items() if amount]
    return sorted(cells, key=lambda cell: (cell.booked_month, cell.recognized_month, _order(cell.group)))


def _rolled_forward(group: Group, rows: list[MonthRow], last: int) -> Iterator[DeferredCell]:
    begin = min(min(row.booked_month, row.month) for row in rows)
    if begin > last:
        return
    count = last - begin + 1
    booked, earned, contra, deferred, unbilled = ([0] * count for _ in range(5))

    def add(column: list[int], month: int, amount: int) -> None:
        if month <= last:
            column[month - begin] += amount

    for row in rows:
        amount = row.earned + row.contra
        add(booked, row.booked_month, amount)
        add(earned, row.month, row.earned)
        add(contra, row.month, row.contra)
        # A balance stands from the end of the earlier of both months until the later one.
        earlier, later = sorted((row.booked_month, row.month))
        balance = deferred if row.booked_month < row.month else unbilled
        add(balance, earlier, amount)
        add(balance, later, -amount)
    opening = 0
    balances = zip(accumulate(deferred), accumulate(unbilled), strict=True)
    for place, (deferred_now, unbilled_now) in enumerate(balances):
        closing = opening + booked[place] - earned[place] - contra[place]
        yield DeferredCell(
            begin + place,
            group,
            opening,
            booked[place],
            earned[place],
            contra[place],
            closing,
            deferred_now,
            unbilled_now,
        )
        opening = closing


def _group(row: MonthRow, by: By) -> Group:
    if by == "none":
        return Group(row.currency, None, None)
    return Group(row.currency, row.stream_id, row.plan_id if by == "plan" else None)


def _order(group: Group) -> tuple[str, str, str]:
    return group.currency, group.stream_id or "", group.plan_id or ""
