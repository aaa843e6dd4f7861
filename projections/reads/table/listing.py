"""The statements that select pages of lines. Each is made once, and executed for all readers who ask the same."""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select, union_all
from sqlalchemy.sql.selectable import Subquery

from projections.reads.table.as_of import Rows, newest_day, now, rows_anywhere, rows_at
from projections.reads.table.filters import about, condition_of
from projections.reads.table.lines_of_streams import are_found_by_parts, rows_of_streams
from projections.reads.table.orders import Sort, after_the_last, in_order, keeps_place, of_index
from projections.reads.table.rare_lines import rows_of_combinations
from projections.revenue.store.tables import revenue_line

LINE_COLUMNS = tuple(column.name for column in revenue_line.c if column.name != "first_position")

# Columns in which few lines have the same value, each with an index of its own.
_NARROW = ("customer_id", "subscription_id", "invoice_id")
_LIMIT: ColumnElement[int] = bindparam("limit", type_=Integer)
_STEPS: ColumnElement[int] = bindparam("steps", type_=Integer)


class Way(Enum):
    """How to find a page: by walking an index in its order, by walking a part of it, or by sorting all matches.

    All matches may be found by the conditions, or by the combinations that they name. The lines of streams may be found
    by their parts.
    """

    ORDER = "order"
    WALK = "walk"
    SORT = "sort"
    COMBINATIONS = "combinations"
    STREAMS = "streams"


class Question(NamedTuple):
    """What statements differ by: the conditions' names, the order, and whether they read the past or a later page."""

    asked: frozenset[str]
    sort: Sort
    is_past: bool
    is_continued: bool


def way_of(question: Question, *, is_whole: bool) -> Way:
    """Return the way to try first in a table, which is whole if this release built it.

    A planner guesses how far to walk as if matches were spread evenly, which may be far off.
    """
    if about(question.asked, *_NARROW):
        return Way.SORT
    if is_whole and not question.is_past and are_found_by_parts(question.asked, question.sort):
        return Way.STREAMS
    # For the past, a part of the way is no use: displaced rows would be returned before rows that were not reached.
    return Way.ORDER if question.is_past or question.asked <= of_index(question.asked, question.sort) else Way.WALK


@lru_cache(maxsize=1024)
def listing(question: Question, way: Way) -> Select[Any]:
    """Return the statement for a page. `limit`, `steps` and the last row before it are bound as conditions are."""
    parts = _parts(question, way)
    if question.is_past and question.sort == "-date" and way is Way.ORDER:
        parts[0] = parts[0].where(newest_day())
    page = _sorted_page if way is Way.SORT else _page
    statements = [page(part, question) for part in parts]
    return statements[0] if len(statements) == 1 else _merged(statements, question.sort)


@lru_cache(maxsize=1024)
def steps_of(question: Question) -> Select[Any]:
    """Return the statement that counts the steps of a walk; fewer than the limit mean that it reached the end."""
    return select(func.count()).select_from(_steps(question))


def _parts(question: Question, way: Way) -> list[Rows]:
    if way is Way.WALK:
        return [_walked(question)]
    if way is Way.STREAMS:
        return [rows_of_streams(question.asked, question.sort, is_continued=question.is_continued)]
    if way is Way.COMBINATIONS:
        return rows_of_combinations(question.asked, is_past=question.is_past)
    if question.is_past and not keeps_place(question.sort):
        return rows_anywhere(question.asked)
    return rows_at(question.asked, is_past=question.is_past)


def _walked(question: Question) -> Rows:
    steps = _steps(question)
    return Rows(steps, [condition_of(question.asked, steps.c.__getitem__, is_walked=True)], steps.c.__getitem__)


def _steps(question: Question) -> Subquery:
    table = now()
    begun = _continued(table.where(condition_of(of_index(question.asked, question.sort), table.column)), question)
    return begun.select(*revenue_line.c).order_by(*in_order(begun, question.sort)).limit(_STEPS).subquery("steps")


def _continued(part: Rows, question: Question) -> Rows:
    return after_the_last(part, question.sort) if question.is_continued else part


def _page(part: Rows, question: Question) -> Select[Any]:
    rest = _continued(part, question)
    return rest.select(*map(part.column, LINE_COLUMNS)).order_by(*in_order(part, question.sort)).limit(_LIMIT)


def _sorted_page(part: Rows, question: Question) -> Select[Any]:
    # OFFSET keeps order and place out of the choice of an index: the planner does not expect many equal values.
    found = part.select(*map(part.column, LINE_COLUMNS)).offset(0).subquery()
    return _page(Rows(found, [], found.c.__getitem__), question)


def _merged(statements: Sequence[Select[Any]], sort: Sort) -> Select[Any]:
    together = union_all(*(select(statement.subquery()) for statement in statements)).subquery()
    return select(together).order_by(*in_order(together, sort)).limit(_LIMIT)
