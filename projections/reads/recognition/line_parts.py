"""Read the parts of a line as a snapshot sees them."""

from typing import Any

import msgspec
from sqlalchemy import Select, Table, and_, func, select, union_all
from sqlalchemy.sql import ColumnElement

from projections.reads.recognition.month_rows import scope_of
from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.reads.table.lines import LineRow
from projections.revenue.store.parts.part_tables import revenue_part, revenue_part_past
from projections.revenue.store.parts.stored_parts import PartRow

_COLUMNS = tuple(column.name for column in revenue_part.c if column.name not in ("company_id", "build"))


def list_parts(snapshot: Snapshot, *, livemode: bool, invoice_id: str, line_id: str) -> list[PartRow]:
    """Return the parts of a line, by share and step.

    :raises NotFoldedYetError: the table was built by an older release, which has no parts
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    found = union_all(
        *(
            _columns_of(table).where(
                *scope_of(snapshot, table.c),
                is_standing,
                table.c.livemode == livemode,
                table.c.invoice_id == invoice_id,
                table.c.invoice_line_item_id == line_id,
            )
            for table, is_standing in standing(snapshot)
        )
    ).subquery()
    return list(snapshot.connection.execute(select(found).order_by(found.c.share, found.c.step)))


def positions_of_steps(snapshot: Snapshot, line: LineRow) -> dict[tuple[str, str | None], int]:
    """Return the event behind each step of a line, by its cause and credit note: the first that made a part of it.

    What maps the line, and so changes its parts, makes no step.
    """
    made = union_all(
        *(
            select(table.c.cause, table.c.credit_note_id, table.c.position).where(
                *scope_of(snapshot, table.c),
                table.c.livemode == line.livemode,
                table.c.invoice_id == line.invoice_id,
                table.c.invoice_line_item_id == line.invoice_line_item_id,
                table.c.position <= snapshot.position,
            )
            for table in (revenue_part, revenue_part_past)
        )
    ).subquery()
    step = (made.c.cause, made.c.credit_note_id)
    rows = snapshot.connection.execute(select(*step, func.min(made.c.position)).group_by(*step))
    return {(cause, note_id): position for cause, note_id, position in rows}


def standing(snapshot: Snapshot) -> list[tuple[Table, ColumnElement[bool]]]:
    """Return the tables with the parts that a snapshot sees, each with the condition that it sees them."""
    now, past = revenue_part.c, revenue_part_past.c
    stood = and_(past.position <= snapshot.position, past.until > snapshot.position)
    if not snapshot.is_past:
        return [(revenue_part, now.position <= snapshot.position)]
    return [(revenue_part, now.position <= snapshot.position), (revenue_part_past, stood)]


def treatment_of(row: PartRow) -> dict[str, object] | None:
    """Return the treatment that a part's share was given; None if it has its line's own."""
    return None if row.treatment is None else msgspec.json.decode(row.treatment, type=dict[str, object])


def _columns_of(table: Table) -> Select[Any]:
    return select(*(table.c[name] for name in _COLUMNS))
