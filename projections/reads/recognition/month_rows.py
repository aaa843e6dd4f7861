"""Read what was booked and is recognized by month, now or as of a position: the rows that all reports add up."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from projections.reads.recognition.spread_parts import month_rows_of
from projections.reads.snapshots import NotFoldedYetError, Snapshot
from projections.recognition.month_rows import MonthRow
from projections.revenue.store.parts.part_tables import (
    recognition_by_month,
    recognition_month_stretch,
    revenue_part,
    revenue_part_past,
)
from projections.revenue.sums import MONTH_STRETCH

_KEYS = ("currency", "stream_id", "plan_id", "kind", "cause", "booked_month", "month")
_SUMS = ("earned", "contra")


class Books(NamedTuple):
    """Which books to read: of live or of test mode, in some currencies or, without any named, in all."""

    livemode: bool
    currencies: tuple[str, ...] = ()

    def conditions(self, columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - those of any of the tables
        """Return the conditions that rows belong to these books."""
        conditions = [columns.livemode == self.livemode]
        if self.currencies:
            conditions.append(columns.currency.in_(self.currencies))
        return conditions


def list_month_rows(snapshot: Snapshot, books: Books) -> list[MonthRow]:
    """Return all rows of a company's books, in order, without those that are zero.

    :raises NotFoldedYetError: the table was built by an older release, which recognized nothing
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    statement = _then(snapshot, books) if snapshot.is_past else _now(snapshot, books)
    return [
        MonthRow(currency, stream_id or None, plan_id or None, kind, cause, booked, month, int(earned), int(contra))
        for currency, stream_id, plan_id, kind, cause, booked, month, earned, contra in snapshot.connection.execute(
            statement
        )
    ]


def _now(snapshot: Snapshot, books: Books) -> Select[Any]:
    kept = recognition_by_month.c
    return (
        select(*(kept[name] for name in (*_KEYS, *_SUMS)))
        .where(*scope_of(snapshot, kept), *books.conditions(kept), or_(kept.earned != 0, kept.contra != 0))
        .order_by(*(kept[name] for name in _KEYS))
    )


def _then(snapshot: Snapshot, books: Books) -> Select[Any]:
    # Whole stretches as they are stored, then what changed since the last of them.
    stretches = snapshot.position // MONTH_STRETCH
    kept = recognition_month_stretch.c
    whole = select(*(kept[name] for name in (*_KEYS, *_SUMS))).where(
        *scope_of(snapshot, kept), *books.conditions(kept), kept.stretch < stretches
    )
    parts = union_all(whole, *_changes(snapshot, books, since=stretches * MONTH_STRETCH)).subquery()
    keys, sums = [parts.c[name] for name in _KEYS], [func.sum(parts.c[name]) for name in _SUMS]
    return select(*keys, *sums).group_by(*keys).having(or_(*(total != 0 for total in sums))).order_by(*keys)


def _changes(snapshot: Snapshot, books: Books, *, since: int) -> list[CompoundSelect[Any]]:
    part, past = revenue_part.c, revenue_part_past.c
    return [
        month_rows_of(
            table, [*scope_of(snapshot, table.c), *books.conditions(table.c), at > since, at <= until], sign=sign
        )
        for until in (snapshot.position,)
        for table, at, sign in (
            (revenue_part, part.position, 1),
            (revenue_part_past, past.position, 1),
            (revenue_part_past, past.until, -1),
        )
    ]


def scope_of(snapshot: Snapshot, columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - those of any table of builds
    """Return the conditions that rows belong to a snapshot's company and build."""
    return [columns.company_id == snapshot.company_id, columns.build == snapshot.build]
