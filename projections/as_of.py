"""The rows of the table as they stood at a position: said in SQL, so that it costs little more than reading them now.

A line keeps its place in the table (its day, amount, customer and subscription) practically always. So the rows of then
are found by walking today's rows in today's order: a row that has not changed since is itself, another is looked up in
the past by its key. What is left are versions whose line has gone or has moved to another place, *displaced* ones: few,
and marked when it happened.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, select, union_all
from sqlalchemy.sql.selectable import FromClause

from projections.filters import ColumnOf, LineFilter, condition_of
from projections.past_tables import revenue_day, revenue_line_past
from projections.snapshots import Snapshot
from projections.tables import revenue_line

_KEY = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id")
_PLACE = ("date", "amount", "customer_id", "subscription_id")
_COLUMNS = tuple(column.name for column in revenue_line.c if column.name != "is_added")


class Rows:
    """A part of the table as a reader sees it: a statement that gives rows, and how its columns are called within."""

    def __init__(self, source: FromClause, conditions: list[ColumnElement[bool]], column: ColumnOf) -> None:
        self._source, self._conditions, self.column = source, conditions, column

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Give a statement about these rows."""
        return select(*columns).select_from(self._source).where(*self._conditions)

    def where(self, condition: ColumnElement[bool]) -> "Rows":
        """Give fewer of these rows."""
        return Rows(self._source, [*self._conditions, condition], self.column)


def rows_at(snapshot: Snapshot, line_filter: LineFilter) -> list[Rows]:
    """Give the rows of a filter as the snapshot sees them: of each part, which have no row in common."""
    parts = [_walked(snapshot), _displaced(snapshot)] if snapshot.is_past else [_now(snapshot)]
    return [part.where(condition_of(line_filter, part.column)) for part in parts]


def newest_day(snapshot: Snapshot, *, livemode: bool) -> ColumnElement[bool]:
    """Say that rows are of no later day than any had then: newer ones need not be walked past."""
    days = revenue_day.c
    latest = select(func.max(days.date)).where(
        days.company_id == snapshot.company_id,
        days.build == snapshot.build,
        days.livemode == livemode,
        days.first_position <= snapshot.position,
    )
    return revenue_line.c.date <= latest.scalar_subquery()


def versions_of_line(snapshot: Snapshot, line_id: str) -> list[Rows]:
    """Give what stands under a line's id as the snapshot sees it."""
    now, past = _now(snapshot), _stood(snapshot)
    parts = [now.where(revenue_line.c.position <= snapshot.position), past] if snapshot.is_past else [now]
    return [part.where(part.column("invoice_line_item_id") == line_id) for part in parts]


def _now(snapshot: Snapshot) -> Rows:
    lines = revenue_line.c
    scope = [lines.company_id == snapshot.company_id, lines.build == snapshot.build]
    return Rows(revenue_line, scope, lines.__getitem__)


def _stood(snapshot: Snapshot) -> Rows:
    past = revenue_line_past.c
    scope = [
        past.company_id == snapshot.company_id,
        past.build == snapshot.build,
        past.position <= snapshot.position,
        past.until > snapshot.position,
    ]
    return Rows(revenue_line_past, scope, past.__getitem__)


def _displaced(snapshot: Snapshot) -> Rows:
    is_in_its_place = exists().where(_is_one_line(), _is_in_one_place())
    return _stood(snapshot).where(and_(revenue_line_past.c.is_displaced, ~is_in_its_place))


def _walked(snapshot: Snapshot) -> Rows:
    lines, past = revenue_line.c, revenue_line_past.c
    unchanged = select(
        *(literal_column(f"revenue_line.{name}", lines[name].type).label(name) for name in _COLUMNS)
    ).where(literal_column("revenue_line.position") <= snapshot.position)
    changed = (
        select(*(past[name] for name in _COLUMNS))
        .where(
            literal_column("revenue_line.position") > snapshot.position,
            past.position <= snapshot.position,
            past.until > snapshot.position,
            _is_one_line(),
            _is_in_one_place(),
        )
        .correlate(revenue_line)
    )
    then = union_all(unchanged, changed).lateral("line_then")

    def column(name: str) -> ColumnElement[Any]:
        return lines[name] if name in _KEY or name in _PLACE else then.c[name]

    source = revenue_line.join(then, literal_column("true"))
    return Rows(source, [lines.company_id == snapshot.company_id, lines.build == snapshot.build], column)


def _is_one_line() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name] == revenue_line.c[name] for name in _KEY))


def _is_in_one_place() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name].is_not_distinct_from(revenue_line.c[name]) for name in _PLACE))
