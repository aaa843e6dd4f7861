"""Read every line of a filter, however many there are, in memory that does not grow with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Select, Text, and_, cast, false, func, or_, select, union_all

from events.log.tables import INSTANT
from projections.reads.as_of import Rows, rows_at
from projections.reads.filters import LineFilter, Sort
from projections.reads.listing import in_order
from projections.reads.snapshots import Snapshot
from projections.revenue.store.tables import revenue_line
from runtime.database import driver_of

ROWS_AT_ONCE = 1000
SUSPECT = b",t\n"
_HARMLESS = (("0", ":"), ("A", "["), ("a", "{"))

# Columns that hold what others wrote. A quantity is kept as text for its precision, yet it is a number.
WRITTEN_BY_OTHERS = frozenset(column.name for column in revenue_line.c if isinstance(column.type, Text)) - {"quantity"}


class _IsLeftError(Exception):
    """Nobody reads on, whether there is more or not."""


@contextmanager
def every_line(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str]
) -> Iterator[Iterator[list[bytes]]]:
    """Have PostgreSQL write all lines of the filter as CSV, in the order in which pages give them.

    Gives batches of rows with these columns of the table, in UTF-8, each ending with a newline; days, instants and
    truths as JSON's texts for them. One column more is last: whether a text that others wrote begins with anything but
    a letter or a digit of ASCII (`SUSPECT`). The first rows are read before it returns: a query that fails, fails here.
    Keep the snapshot open as long as the rows are read.
    """
    compiled = _statement(snapshot, line_filter, sort=sort, columns=columns).compile(snapshot.connection.engine)
    bound = compiled.construct_params(snapshot.bound() | line_filter.bound())
    # The driver writes them into the statement, and -9223372036854775808::bigint is the minus of a number too large.
    asked = {name: str(value) if type(value) is int else value for name, value in bound.items()}
    driver = driver_of(snapshot.connection)
    with (
        suppress(_IsLeftError),
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({compiled}) TO STDOUT (FORMAT CSV)", asked) as copy,
    ):
        rows = map(bytes, copy)
        first = list(islice(rows, ROWS_AT_ONCE))
        yield _batches(first, rows)
        # psycopg cancels what nobody reads to its end only when an error ends it.
        raise _IsLeftError


def _batches(batch: list[bytes], rows: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch:
        yield batch
        batch = list(islice(rows, ROWS_AT_ONCE))


def _statement(snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str]) -> Select[Any]:
    parts = rows_at(line_filter.asked(), is_past=snapshot.is_past)
    if len(parts) == 1:
        return parts[0].select(*_told(parts[0], columns)).order_by(*in_order(parts[0], sort))
    names = dict.fromkeys((*columns, sort.removeprefix("-"), "invoice_line_item_id", "invoice_id"))
    together = union_all(*(part.select(*map(part.column, names)) for part in parts)).subquery()
    return select(*_told(Rows(together, [], together.c.__getitem__), columns)).order_by(*in_order(together, sort))


def _told(part: Rows, names: Sequence[str]) -> Iterator[ColumnElement[Any]]:
    for name in names:
        column, kind = part.column(name), revenue_line.c[name].type
        if kind is INSTANT:
            yield func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        else:
            yield cast(column, Text) if isinstance(kind, Date | Boolean) else column
    yield or_(false(), *(~_is_harmless(part.column(name)) for name in names if name in WRITTEN_BY_OTHERS))


def _is_harmless(column: ColumnElement[str]) -> ColumnElement[bool]:
    text = column.collate("C")
    return func.coalesce(or_(text == "", *(and_(text >= first, text < end) for first, end in _HARMLESS)), True)
