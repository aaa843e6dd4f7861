"""Find the parts of lines that a cell of a report adds up, and add them up again."""

from datetime import date
from typing import NamedTuple

from projections.reads.recognition.cell_parts import Question
from projections.reads.recognition.leaves_statement import AMOUNTS, leaves_statement
from projections.reads.recognition.report_cells import ReportName
from projections.reads.recognition.spread_parts import EXPENSE
from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.recognition.days import first_day
from projections.recognition.month_rows import Column
from projections.recognition.outcome import REVENUE
from projections.recognition.reports import By
from projections.revenue.store.parts.part_tables import NOT_MAPPED


class CellOf(NamedTuple):
    """A cell: its report and mode, and what it is of. `stream_id` and `plan_id` count if the report is broken down so.

    `booked_month` is a waterfall's other month; `kind` is what a cell of recognition has.
    """

    report: ReportName
    livemode: bool
    month: int
    currency: str
    by: By = "stream"
    stream_id: str | None = None
    plan_id: str | None = None
    kind: Column = REVENUE
    booked_month: int | None = None


class LeafMark(NamedTuple):
    """The last leaf of a page."""

    size: int
    invoice_id: str
    invoice_line_item_id: str
    share: int
    step: int


class Leaf(NamedTuple):
    """A part of a line, and what it adds to each amount of the cell, in the order of `AMOUNTS`."""

    invoice_id: str
    invoice_line_item_id: str
    share: int
    step: int
    amounts: tuple[int, ...]

    @property
    def mark(self) -> LeafMark:
        """Return the mark after which a list continues: this leaf."""
        return LeafMark(abs(self.amounts[-1]), self.invoice_id, self.invoice_line_item_id, self.share, self.step)


class Explained(NamedTuple):
    """A page of the leaves of a cell, the largest first, and the number and the sums of all of them."""

    leaves: list[Leaf]
    leaf_count: int
    total: tuple[int, ...]


def explain_cell(snapshot: Snapshot, cell: CellOf, *, limit: int, after: LeafMark | None) -> Explained:
    """Return up to `limit` leaves of a cell, and the sums of all.

    :raises NotFoldedYetError: the table was built by an older release, which recognized nothing
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    question = Question(cell.report, cell.by, cell.kind, is_past=snapshot.is_past, is_continued=after is not None)
    parameters = snapshot.bound() | _bound(cell) | {"limit": limit} | (after._asdict() if after else {})
    rows = snapshot.connection.execute(leaves_statement(question), parameters).mappings().all()
    names = AMOUNTS[cell.report]
    leaves = [
        Leaf(
            row["invoice_id"],
            row["invoice_line_item_id"],
            row["share"],
            row["step"],
            tuple(int(row[name]) for name in names),
        )
        for row in rows
        if row["invoice_id"] is not None
    ]
    return Explained(leaves, rows[0]["leaf_count"], tuple(int(rows[0][f"all_{name}"]) for name in names))


def _bound(cell: CellOf) -> dict[str, object]:
    booked = cell.month if cell.booked_month is None else cell.booked_month
    return {
        "livemode": cell.livemode,
        "month": cell.month,
        "day": _day(cell.month),
        "next": _day(cell.month + 1),
        "sampled_month": min(cell.month, booked),
        "booked_day": _day(booked),
        "booked_next": _day(booked + 1),
        "currency": cell.currency,
        "kind": REVENUE if cell.kind == EXPENSE else cell.kind,
        "stream_id": cell.stream_id or NOT_MAPPED,
        "plan_id": cell.plan_id or NOT_MAPPED,
    }


def _day(month: int) -> date:
    return date.fromordinal(first_day(month))
