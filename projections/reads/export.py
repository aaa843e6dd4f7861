"""Read every line that a filter selects, however many there are, in memory that does not grow with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Select, Text, and_, cast, false, func, or_, select, union_all

from events.log.tables import INSTANT
from projections.reads.as_of import Rows, rows_at
from projections.reads.filters import LineFilter
from projections.reads.orders import Sort, check_order, fields_of, in_order
from projections.reads.snapshots import Snapshot
from projections.revenue.store.tables import revenue_line
from runtime.database import driver_of

ROWS_AT_ONCE = 1000
SUSPECT = b",t\n"
_HARMLESS = (("0", ":"), ("A", "["), ("a", "{"))

# Columns with text that others wrote. A quantity is stored as text for its precision, but it is a number.
WRITTEN_BY_OTHERS = frozenset(column.name for column in revenue_line.c if isinstance(column.type, Text)) - {"quantity"}


class _IsLeftError(Exception):
    """The reader has stopped, whether there are more rows or not."""


@contextmanager
def every_line(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str]
) -> Iterator[Iterator[list[bytes]]]:
    """Yield all lines that the filter selects as CSV, written by PostgreSQL, in the order of the pages.

    Yields batches of rows with these columns of the table, in UTF-8, each ending with a newline; days, instants and
    booleans have the same text as in JSON. A last column is added: whether a text that others wrote begins with
    anything but an ASCII letter or digit (`SUSPECT`). The first rows are read before the `with` block begins: a query
    that fails, fails there. Keep the snapshot open as long as rows are read.

    :raises NotFoldedYetError: as `list_lines`
    """
    check_order(snapshot, sort)
    compiled = _statement(snapshot, line_filter, sort=sort, columns=columns).compile(snapshot.connection.engine)
    bound = compiled.construct_params(snapshot.bound() | line_filter.bound())
    # The driver writes parameters into the statement, where -9223372036854775808::bigint negates a number too large.
    parameters = {name: str(value) if type(value) is int else value for name, value in bound.items()}
    driver = driver_of(snapshot.connection)
    with (
        suppress(_IsLeftError),
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({compiled}) TO STDOUT (FORMAT CSV)", parameters) as copy,
    ):
        rows = map(bytes, copy)
        first = list(islice(rows, ROWS_AT_ONCE))
        yield _batches(first, rows)
        # psycopg cancels a COPY that is not read to its end only when an error ends it.
        raise _IsLeftError


def _batches(batch: list[bytes], rows: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch:
        yield batch
        batch = list(islice(rows, ROWS_AT_ONCE))


def _statement(snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str]) -> Select[Any]:
    parts = rows_at(line_filter.asked(), is_past=snapshot.is_past)
    if len(parts) == 1:
        return parts[0].select(*_csv_columns(parts[0], columns)).order_by(*in_order(parts[0], sort))
    names = dict.fromkeys((*columns, *fields_of(sort), "invoice_line_item_id", "invoice_id"))
    together = union_all(*(part.select(*map(part.column, names)) for part in parts)).subquery()
    return select(*_csv_columns(Rows(together, [], together.c.__getitem__), columns)).order_by(
        *in_order(together, sort)
    )


def _csv_columns(part: Rows, names: Sequence[str]) -> Iterator[ColumnElement[Any]]:
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
