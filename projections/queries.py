"""Read the revenue mapping table. A company's readers see one build at one position, never a mix."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, func, select, tuple_, union_all
from sqlalchemy.sql.selectable import Subquery

from projections.as_of import Rows, newest_day, rows_at, versions_of_line
from projections.filters import LineFilter, Sort
from projections.snapshots import Snapshot
from projections.tables import revenue_invoice, revenue_line, revenue_quarantine

LineRow = Row[Any]

LINE_COLUMNS = tuple(column.name for column in revenue_line.c if column.name != "is_added")


class After(NamedTuple):
    """The last row of the page before: its sort value and the ids that order rows of one value."""

    value: date | int
    invoice_line_item_id: str
    invoice_id: str


def list_lines(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, limit: int, after: After | None
) -> Sequence[LineRow]:
    """Give up to `limit` rows that follow `after`, in the order of `sort`, then of their ids."""
    parts = rows_at(snapshot, line_filter)
    if snapshot.is_past and sort == "-date":
        parts[0] = parts[0].where(newest_day(snapshot, livemode=line_filter.livemode))
    statements = [_page(part, sort, limit, after) for part in parts]
    statement = statements[0] if len(statements) == 1 else _merged(statements, sort).limit(limit)
    return snapshot.connection.execute(statement).all()


def find_line(snapshot: Snapshot, line_id: str, *, livemode: bool) -> LineRow | None:
    """Give one line of a mode by its id. Should two invoices hold the id (Stripe before 2019), the newer one's."""
    held = union_all(
        *(
            part.where(part.column("livemode") == livemode).select(*map(part.column, LINE_COLUMNS))
            for part in versions_of_line(snapshot, line_id)
        )
    ).subquery()
    return snapshot.connection.execute(
        select(held).order_by(held.c.date.desc(), held.c.invoice_id.desc()).limit(1)
    ).one_or_none()


def list_quarantined(snapshot: Snapshot, *, limit: int, before: int | None) -> Sequence[LineRow]:
    """Give facts that could not be read, newest first; `is_resolved` when their invoice was read since."""
    held = revenue_quarantine.c
    later = (
        select(1)
        .where(
            revenue_invoice.c.company_id == held.company_id,
            revenue_invoice.c.build == held.build,
            revenue_invoice.c.livemode == held.livemode,
            func.concat("invoice:", revenue_invoice.c.id) == held.entity,
            revenue_invoice.c.seen_at >= held.seen_at,
        )
        .exists()
    )
    statement = (
        select(held.position, held.livemode, held.entity, held.reason, held.recorded_at, later.label("is_resolved"))
        .where(held.company_id == snapshot.company_id, held.build == snapshot.build)
        .order_by(held.position.desc())
        .limit(limit)
    )
    return snapshot.connection.execute(statement if before is None else statement.where(held.position < before)).all()


def in_order(part: Rows | Subquery, sort: Sort) -> list[Any]:
    """Give what the table is ordered by: the value of `sort`, then the ids."""
    column = part.column if isinstance(part, Rows) else part.c.__getitem__
    keys = [column(name) for name in (sort.removeprefix("-"), "invoice_line_item_id", "invoice_id")]
    return [key.desc() for key in keys] if sort.startswith("-") else keys


def _page(part: Rows, sort: Sort, limit: int, after: After | None) -> Select[Any]:
    if after is not None:
        here = tuple_(*(part.column(name) for name in (sort.removeprefix("-"), *After._fields[1:])))
        part = part.where(here < tuple_(*after) if sort.startswith("-") else here > tuple_(*after))
    return part.select(*map(part.column, LINE_COLUMNS)).order_by(*in_order(part, sort)).limit(limit)


def _merged(statements: Sequence[Select[Any]], sort: Sort) -> Select[Any]:
    together = union_all(*(select(statement.subquery()) for statement in statements)).subquery()
    return select(together).order_by(*in_order(together, sort))
