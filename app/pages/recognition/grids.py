"""Lay the cells of a report out as tables: months below one another, streams or months beside one another. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.pages.recognition.names import KINDS, NameOf
from projections.recognition.outcome import REVENUE

Cells = Sequence[Mapping[str, Any]]


class Column(NamedTuple):
    """A column of the grid: a stream and a kind of what is recognized."""

    title: str
    stream_id: str | None
    kind: str


class Grid(NamedTuple):
    """What each month recognizes. A row has a month, a cell or None for each column, and the sum of its revenue.

    The first `of_revenue` columns are those of revenue.
    """

    columns: list[Column]
    of_revenue: int
    rows: list[tuple[int, list[Mapping[str, Any] | None], int]]
    totals: list[int]
    total: int


class Matrix(NamedTuple):
    """A waterfall: for each booked month an amount or None for each recognized month, and their sum."""

    months: list[int]
    rows: list[tuple[int, list[int | None], int]]
    totals: list[int]


def grid_of(cells: Cells, name_of: NameOf) -> Grid:
    """Return cells of recognition as a grid: revenue first, by the names of streams."""
    found = {(cell["kind"], cell["stream_id"]) for cell in cells}
    columns = sorted((_column(kind, stream_id, name_of) for kind, stream_id in found), key=_place)
    places = {(column.kind, column.stream_id): place for place, column in enumerate(columns)}
    by_month: defaultdict[int, list[Mapping[str, Any] | None]] = defaultdict(lambda: [None] * len(columns))
    for cell in cells:
        by_month[cell["month"]][places[cell["kind"], cell["stream_id"]]] = cell
    rows = [(month, row, _revenue_of(row)) for month, row in sorted(by_month.items())]
    of_columns = zip(*(row for _, row, _ in rows), strict=True)
    totals = [sum(cell["net"] for cell in of_column if cell) for of_column in of_columns]
    of_revenue = sum(column.kind == REVENUE for column in columns)
    return Grid(columns, of_revenue, rows, totals, sum(total for _, _, total in rows))


def matrix_of(cells: Cells) -> Matrix:
    """Return cells of a waterfall that is not broken down as a matrix."""
    months = sorted({cell["recognized_month"] for cell in cells})
    places = {month: place for place, month in enumerate(months)}
    by_booked: defaultdict[int, list[int | None]] = defaultdict(lambda: [None] * len(months))
    for cell in cells:
        by_booked[cell["booked_month"]][places[cell["recognized_month"]]] = cell["amount"]
    rows = [(booked, amounts, sum(filter(None, amounts))) for booked, amounts in sorted(by_booked.items())]
    totals = [sum(amounts[place] or 0 for _, amounts, _ in rows) for place in range(len(months))]
    return Matrix(months, rows, totals)


def by_month_and_name(cells: Cells, name_of: NameOf) -> Cells:
    """Return cells in the order of their months; those of one month in the order of the columns of a grid."""
    return sorted(cells, key=lambda cell: (cell["month"], _place(_column(REVENUE, cell["stream_id"], name_of))))


def _column(kind: str, stream_id: str | None, name_of: NameOf) -> Column:
    name = name_of(stream_id)
    return Column(name if kind == REVENUE else f"{name}, {KINDS[kind]}", stream_id, kind)


def _place(column: Column) -> tuple[int, bool, str]:
    kinds = (REVENUE, *KINDS)
    return kinds.index(column.kind), column.stream_id is None, column.title.casefold()


def _revenue_of(row: Sequence[Mapping[str, Any] | None]) -> int:
    return sum(cell["net"] for cell in row if cell and cell["kind"] == REVENUE)
