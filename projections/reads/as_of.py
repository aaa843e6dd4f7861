"""The rows of the table as they stood at a position: said in SQL, so that it costs little more than reading them now.

A line keeps its place in the table (its day, amount, customer and subscription) practically always. So the rows of then
are found by walking today's rows in today's order: a row that has not changed since is itself, another is looked up in
the past by its key. What is left are versions whose line has gone or has moved to another place, *displaced* ones: few,
and marked when it happened.

What is said here names no company, build or position: `Snapshot.bound` has them. So a statement is made once for all
readers who ask alike.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
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

from projections.reads.filters import ColumnOf, condition_of
from projections.revenue.store.past_tables import revenue_day, revenue_line_past
from projections.revenue.store.tables import revenue_line

COMPANY_ID: ColumnElement[int] = bindparam("company_id", type_=BigInteger)
BUILD: ColumnElement[int] = bindparam("build", type_=Integer)
POSITION: ColumnElement[int] = bindparam("position", type_=BigInteger)

_KEY = ("company_id", "build", "livemode", "invoice_id", "invoice_line_item_id")
_PLACE = ("date", "amount", "customer_id", "subscription_id")
_COLUMNS = tuple(column.name for column in revenue_line.c if column.name != "first_position")


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


def scope_of(columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 - those of any table of a company's builds
    """Say that rows are of the reader's company and build."""
    return [columns.company_id == COMPANY_ID, columns.build == BUILD]


def rows_at(asked: Collection[str], *, is_past: bool) -> list[Rows]:
    """Give the rows that fulfil conditions, as a snapshot sees them: of each part, which have no row in common."""
    parts = [_in_place(), _displaced()] if is_past else [now()]
    return [part.where(condition_of(asked, part.column)) for part in parts]


def now() -> Rows:
    """Give the rows that stand."""
    return Rows(revenue_line, scope_of(revenue_line.c), revenue_line.c.__getitem__)


def stood() -> Rows:
    """Give the rows that stood at the position and do not stand any more."""
    past = revenue_line_past.c
    conditions = [*scope_of(past), past.position <= POSITION, past.until > POSITION]
    return Rows(revenue_line_past, conditions, past.__getitem__)


def newest_day() -> ColumnElement[bool]:
    """Say that rows are of no later day than any had then: newer ones need not be walked past."""
    days = revenue_day.c
    latest = select(func.max(days.date)).where(
        *scope_of(days),
        days.livemode == bindparam("livemode", type_=days.livemode.type),
        days.first_position <= POSITION,
    )
    return revenue_line.c.date <= latest.scalar_subquery()


def versions_of_line(line_id: ColumnElement[str], *, is_past: bool) -> list[Rows]:
    """Give what stands under a line's id as a snapshot sees it."""
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
    """Give the rows of then whose lines are gone, came anew since, or stand elsewhere now."""
    is_in_its_place = exists().where(_was_there(), _is_one_line(), _is_in_one_place())
    return stood().where(and_(revenue_line_past.c.is_displaced, ~is_in_its_place))


def _was_there() -> ColumnElement[bool]:
    return revenue_line.c.first_position <= POSITION


def _is_one_line() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name] == revenue_line.c[name] for name in _KEY))


def _is_in_one_place() -> ColumnElement[bool]:
    return and_(*(revenue_line_past.c[name].is_not_distinct_from(revenue_line.c[name]) for name in _PLACE))
