"""Read credit notes, now or as of a position: what each takes from which lines, and what found no line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Boolean, ColumnElement, Row, Select, Table, and_, literal, select, tuple_, union, union_all

from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.revenue.store.credit_note_tables import revenue_credit_note, revenue_credit_note_past

_COLUMNS = tuple(column.name for column in revenue_credit_note_past.c if column.name not in ("build", "until"))
_ORDER = ("effective_on", "credit_note_id", "invoice_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteFilter:
    """Conditions that credit notes must all meet."""

    livemode: bool
    invoice_id: str | None = None
    status: str | None = None

    def as_text(self) -> str:
        """Return the canonical text of this filter, for tags and cursors."""
        return f"livemode={self.livemode!r}&invoice_id={self.invoice_id!r}&status={self.status!r}"


class CreditNoteMark(NamedTuple):
    """The last credit note of a page."""

    effective_on: date
    credit_note_id: str
    invoice_id: str


def list_credit_notes(
    snapshot: Snapshot, of: CreditNoteFilter, *, limit: int, after: CreditNoteMark | None
) -> Sequence[Row[Any]]:
    """Return up to `limit` credit notes, the newest day first, and of a day by their ids from the last.

    :raises NotFoldedYetError: the table was built by an older release, which read none
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    parts = [_page(snapshot, part, of, limit=limit, after=after) for part in _standing(snapshot)]
    together = union_all(*(select(part.subquery()) for part in parts)).subquery()
    order = [together.c[name].desc() for name in _ORDER]
    return snapshot.connection.execute(select(together).order_by(*order).limit(limit)).all()


def mark_of(row: Row[Any]) -> CreditNoteMark:
    """Return the mark after which a list continues: this credit note."""
    return CreditNoteMark(row.effective_on, row.credit_note_id, row.invoice_id)


def taken_by(row: Row[Any]) -> dict[str, int]:
    """Return what a credit note takes from each invoice line, by the line's id, in minor units."""
    return msgspec.json.decode(row.lines, type=dict[str, int])


def credit_notes_of(snapshot: Snapshot, invoice_id: str) -> list[str]:
    """Return the ids of all credit notes that an invoice ever had, in order."""
    found = union(
        *(
            select(table.c.credit_note_id).where(_scope(snapshot, table), table.c.invoice_id == invoice_id)
            for table in (revenue_credit_note, revenue_credit_note_past)
        )
    ).subquery()
    return list(snapshot.connection.scalars(select(found.c.credit_note_id).order_by(found.c.credit_note_id)))


def _standing(snapshot: Snapshot) -> list[tuple[Table, ColumnElement[bool]]]:
    if not snapshot.is_past:
        return [(revenue_credit_note, literal(value=True, type_=Boolean))]
    past = revenue_credit_note_past.c
    then = and_(past.position <= snapshot.position, past.until > snapshot.position)
    return [
        (revenue_credit_note, revenue_credit_note.c.position <= snapshot.position),
        (revenue_credit_note_past, then),
    ]


def _page(
    snapshot: Snapshot,
    part: tuple[Table, ColumnElement[bool]],
    of: CreditNoteFilter,
    *,
    limit: int,
    after: CreditNoteMark | None,
) -> Select[Any]:
    table, is_standing = part
    conditions = [_scope(snapshot, table), is_standing, table.c.livemode == of.livemode]
    if of.invoice_id is not None:
        conditions.append(table.c.invoice_id == of.invoice_id)
    if of.status is not None:
        conditions.append(table.c.status == of.status)
    keys = [table.c[name] for name in _ORDER]
    if after is not None:
        conditions.append(tuple_(*keys) < tuple_(*after))
    page = select(*(table.c[name] for name in _COLUMNS)).where(*conditions)
    return page.order_by(*(key.desc() for key in keys)).limit(limit)


def _scope(snapshot: Snapshot, table: Table) -> ColumnElement[bool]:
    return and_(table.c.company_id == snapshot.company_id, table.c.build == snapshot.build)
