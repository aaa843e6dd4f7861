"""Read what there is to say about the leaves of a cell: their steps, and the lines that they are parts of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_, union_all

from projections.reads.recognition.explained_cells import Leaf
from projections.reads.recognition.line_parts import standing
from projections.reads.recognition.month_rows import scope_of
from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import now, rows_anywhere

_OF_PART = ("cause", "credit_note_id", "booked_on", "amount", "position")
_OF_LINE = ("invoice_number", "customer_name", "description")


class LeafDetails(NamedTuple):
    """A leaf with its step and its line. `amount` is what the step books of its share."""

    leaf: Leaf
    of_part: dict[str, Any]
    of_line: dict[str, Any]


def detail_leaves(snapshot: Snapshot, leaves: Sequence[Leaf], *, livemode: bool) -> list[LeafDetails]:
    """Return the details of leaves of one mode, in their order."""
    parts, lines = _parts(snapshot, leaves, livemode=livemode), _lines(snapshot, leaves, livemode=livemode)
    return [LeafDetails(leaf, parts[leaf[:4]], lines.get(leaf[:2], dict.fromkeys(_OF_LINE))) for leaf in leaves]


def _parts(snapshot: Snapshot, leaves: Sequence[Leaf], *, livemode: bool) -> dict[tuple[Any, ...], dict[str, Any]]:
    keys = [leaf[:4] for leaf in leaves]
    statements = []
    for table, is_standing in standing(snapshot):
        part = table.c
        key = (part.invoice_id, part.invoice_line_item_id, part.share, part.step)
        statements.append(
            select(*key, *(part[name] for name in _OF_PART)).where(
                *scope_of(snapshot, part), is_standing, part.livemode == livemode, tuple_(*key).in_(keys)
            )
        )
    rows = snapshot.connection.execute(union_all(*statements))
    return {tuple(row[:4]): dict(zip(_OF_PART, row[4:], strict=True)) for row in rows}


def _lines(snapshot: Snapshot, leaves: Sequence[Leaf], *, livemode: bool) -> dict[tuple[Any, ...], dict[str, Any]]:
    keys = list({leaf[:2] for leaf in leaves})
    statements = []
    for part in rows_anywhere(()) if snapshot.is_past else [now()]:
        key = (part.column("invoice_id"), part.column("invoice_line_item_id"))
        statements.append(
            part.select(*key, *map(part.column, _OF_LINE)).where(
                part.column("livemode") == livemode, tuple_(*key).in_(keys)
            )
        )
    rows = snapshot.connection.execute(union_all(*statements), snapshot.bound())
    return {tuple(row[:2]): dict(zip(_OF_LINE, row[2:], strict=True)) for row in rows}
