"""List what changed in the table, in the order in which it changed, for programs that keep a copy."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, literal, select, tuple_, union_all

from projections.reads.snapshots import Snapshot
from projections.reads.table.listing import LINE_COLUMNS
from projections.revenue.store.past_tables import revenue_line_past
from projections.revenue.store.tables import revenue_line

ADDED, MODIFIED, REMOVED = "added", "modified", "removed"


class ChangeMark(NamedTuple):
    """The last change that a reader has seen. Changes at one position are ordered by the other fields."""

    position: int
    is_removal: bool
    invoice_line_item_id: str
    invoice_id: str
    livemode: bool


BEGINNING = ChangeMark(0, is_removal=False, invoice_line_item_id="", invoice_id="", livemode=False)


def list_changes(snapshot: Snapshot, *, after: ChangeMark, limit: int) -> Sequence[Row[Any]]:
    """Return up to `limit` changes that follow a mark: rows as they stood after it, or before they were removed.

    Each has the columns of a line, `change` (added, modified, removed) and `at`, the position of the event behind it.
    Applying all changes in order gives the table; no change is ever inserted before one that was returned.
    """
    lines, past = revenue_line.c, revenue_line_past.c
    parts = [
        _part(snapshot, lines, lines.position, after, limit, is_removal=False),
        _part(snapshot, past, past.position, after, limit, is_removal=False),
        _part(snapshot, past, past.until, after, limit, is_removal=True).where(past.is_removed, past.is_displaced),
    ]
    together = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return snapshot.connection.execute(select(together).order_by(*_order(together.c)).limit(limit)).all()


def mark_of(row: Row[Any]) -> ChangeMark:
    """Return the mark of a change."""
    return ChangeMark(row.at, row.is_removal, row.invoice_line_item_id, row.invoice_id, row.livemode)


def _part(
    snapshot: Snapshot,
    columns: Any,  # noqa: ANN401 - those of either table
    at: ColumnElement[int],
    after: ChangeMark,
    limit: int,
    *,
    is_removal: bool,
) -> Select[Any]:
    kind = literal(REMOVED) if is_removal else case((columns.first_position == columns.position, ADDED), else_=MODIFIED)
    removal = literal(is_removal)
    key = (at, removal, columns.invoice_line_item_id, columns.invoice_id, columns.livemode)
    return (
        select(
            at.label("at"), removal.label("is_removal"), kind.label("change"), *(columns[name] for name in LINE_COLUMNS)
        )
        .where(
            and_(columns.company_id == snapshot.company_id, columns.build == snapshot.build),
            at >= after.position,
            tuple_(*key) > tuple_(*after),
        )
        .order_by(at, columns.invoice_line_item_id, columns.invoice_id, columns.livemode)
        .limit(limit)
    )


def _order(columns: Any) -> list[ColumnElement[Any]]:  # noqa: ANN401
    return [columns.at, *(columns[name] for name in ChangeMark._fields[1:])]
