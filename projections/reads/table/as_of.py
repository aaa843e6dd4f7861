"""Select the rows of the table as they stood at a position, in SQL that costs little more than reading current rows.

A line practically always keeps its place in the table (its day, currency, amount, customer and subscription). So past
rows are found by walking the current rows in their order: a row that has not changed since is returned as it is, any
other is looked up in the past by its key. What remains are *displaced* versions, whose line has gone or moved to
another place: they are few, and are marked when that happens.

Statements name no company, build or position: `Snapshot.bound` has them. So each is made once for all readers who ask
the same.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.sql.selectable import FromClause

from projections.reads.table.bound import BUILD, COMPANY_ID, POSITION
from projections.reads.table.filters import condition_of
from projections.reads.table.part_conditions import ColumnOf
from projections.revenue.store.past_tables import revenue_day, revenue_line_past
from projections.revenue.store.tables import revenue_line

_KEY = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id")
_PLACE = ("date", "currency", "amount", "customer_id", "subscription_id")
_COLUMNS = tuple(column.name for column in revenue_line.c if column.name != "first_position")


class Rows:
    """A part of the table as a reader sees it: a source of rows, conditions on it, and its columns by name."""

    def __init__(self, source: FromClause, conditions: list[ColumnElement[bool]], column: ColumnOf) -> None:
        self._source, self._conditions, self.column = source, conditions, column

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Return a statement that selects these columns of the rows."""
        return select(*columns).select_from(self._source).where(*self._conditions)

    def where(self, condition: ColumnElement[bool]) -> "Rows":
        """Return only those of the rows that meet the condition."""
        return Rows(self._source, [*self._conditions, condition], self.column)


def scope_of(columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - those of any table of a company's builds
    """Return the conditions that rows belong to the reader's company and build."""
    return [columns.company_id == COMPANY_ID, columns.build == BUILD]


def rows_at(asked: Collection[str], *, is_past: bool) -> list[Rows]:
    """Return the rows that meet conditions, as a snapshot sees them, in parts that have no row in common."""
    parts = [_in_place(), _displaced()] if is_past else [now()]
    return [part.where(condition_of(asked, part.column, is_past=is_past)) for part in parts]


def rows_anywhere(asked: Collection[str]) -> list[Rows]:
    """Return the rows that met conditions at a position, wherever their lines stand now: in any order.

    In parts that have no row in common: rows that have not changed since, and those that have, of which a position long
    ago has many.
    """
    parts = [now().where(revenue_line.c.position <= POSITION), stood()]
    return [part.where(condition_of(asked, part.column, is_past=True)) for part in parts]


def now() -> Rows:
    """Return the rows that stand now."""
    return Rows(revenue_line, scope_of(revenue_line.c), revenue_line.c.__getitem__)


def stood() -> Rows:
    """Return the rows that stood at the position and no longer do."""
    past = revenue_line_past.c
    conditions = [*scope_of(past), past.position <= POSITION, past.until > POSITION]
    return Rows(revenue_line_past, conditions, past.__getitem__)


def newest_day() -> ColumnElement[bool]:
    """Return the condition that rows are of no later day than any row had then: newer ones need not be walked past."""
    days = revenue_day.c
    latest = select(func.max(days.date)).where(
        *scope_of(days),
        days.livemode == bindparam("livemode", type_=days.livemode.type),
        days.first_position <= POSITION,
    )
    return revenue_line.c.date <= latest.scalar_subquery()


def versions_of_line(line_id: ColumnElement[str], *, is_past: bool) -> list[Rows]:
    """Return the rows with a line's id, as a snapshot sees them."""
    parts = [now().where(revenue_line.c.position <= POSITION), stood()] if is_past else [now()]
    return [part.where(part.column("invoice_line_item_id") == line_id) for part in parts]


def _in_place() -> Rows:
    lines, past = revenue_line.c, revenue_line_past.c
    unchanged = select(
        *(literal_column(f"revenue_line.{name}", lines[name].type).label(name) for name in _COLUMNS)
    ).where(literal_column("revenue_line.position") <= POSITION)
    changed = (
        select(*(past[name] for name in _COLUMNS))
        .where(
            literal_column("revenue_line.position") > POSITION,
            past.position <= POSITION,
            past.until > POSITION,
            _is_one_line(),
            _is_in_one_place(),
        )
        .correlate(revenue_line)
    )
    then = union_all(unchanged, changed).lateral("line_then")

    def column(name: str) -> ColumnElement[Any]:
        return lines[name] if name in _KEY or name in _PLACE else then.c[name]

    return Rows(revenue_line.join(then, literal_column("true")), [*scope_of(lines), _was_there()], column)


def _displaced() -> Rows:
    """Return the past rows whose lines are gone, came back since, or have another place now."""
    is_in_its_place = exists().where(_was_there(), _is_one_line(), _is_in_one_place())
    return stood().where(and_(revenue_line_past.c.is_displaced, ~is_in_its_place))


def _was_there() -> ColumnElement[bool]:
    return revenue_line.c.first_position <= POSITION


def _is_one_line() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name] == revenue_line.c[name] for name in _KEY))


def _is_in_one_place() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name].is_not_distinct_from(revenue_line.c[name]) for name in _PLACE))
