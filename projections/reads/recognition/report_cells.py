"""Make the cells of a report of a snapshot, for a range of months."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from projections.reads.recognition.month_rows import Books, list_month_rows
from projections.reads.snapshots import Snapshot
from projections.recognition.month_rows import MonthRow
from projections.recognition.reports import (
    By,
    DeferredCell,
    RecognitionCell,
    WaterfallCell,
    deferred_cells,
    recognition_cells,
    waterfall_cells,
)

ReportName = Literal["recognition", "deferred", "waterfall"]
REPORTS: tuple[ReportName, ...] = get_args(ReportName)
BYS: tuple[By, ...] = get_args(By)
Cell = RecognitionCell | DeferredCell | WaterfallCell


class Range(NamedTuple):
    """The months of a report, both included; empty if the first is after the last."""

    first: int
    last: int


class Cells(NamedTuple):
    """The cells of a report, and the months that it is about."""

    months: Range
    cells: Sequence[Cell]


class ReportOf(NamedTuple):
    """A report, what to break it down by, and of which months.

    Without `first`, it begins in the first month in which anything is booked, or also earned if it `is_whole`; without
    `last`, it ends in the current.
    """

    name: ReportName
    by: By
    first: int | None
    last: int | None
    current: int
    is_whole: bool = False


def read_cells(snapshot: Snapshot, books: Books, of: ReportOf) -> Cells:
    """Return the cells of a report.

    :raises NotFoldedYetError: as `list_month_rows`
    """
    rows = list_month_rows(snapshot, books)
    months = _range_of(rows, of)
    return Cells(months, cells_of(of.name, rows, of.by, months))


def cells_of(name: ReportName, rows: Sequence[MonthRow], by: By, months: Range) -> Sequence[Cell]:
    """Return the cells of a report that lie in a range of months: a waterfall's by what they recognize."""
    first, last = months
    if name == "recognition":
        return [cell for cell in recognition_cells(rows, by) if first <= cell.month <= last]
    if name == "waterfall":
        return [cell for cell in waterfall_cells(rows, by) if first <= cell.recognized_month <= last]
    # After the last month that any row names nothing is left to defer.
    end = max((max(row.month, row.booked_month) for row in rows), default=last)
    return deferred_cells(rows, by, first, min(last, end))


def _range_of(rows: Sequence[MonthRow], of: ReportOf) -> Range:
    first, last = of.first, of.last
    if first is None:
        begins = (min(row.booked_month, row.month) if of.is_whole else row.booked_month for row in rows)
        booked = min(begins, default=of.current)
        first = booked if last is None else min(booked, last)
    return Range(first, max(of.current, first) if last is None else last)
