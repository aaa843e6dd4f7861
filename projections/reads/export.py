"""Read every line that a filter selects, however many there are, in memory that does not grow with them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from itertools import islice
from typing import Any, Literal, get_args

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)

from events.log.tables import INSTANT
from events.stripe.money import EXPONENTS
from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import Rows, rows_at
from projections.reads.table.filters import LineFilter
from projections.reads.table.listing import LINE_COLUMNS
from projections.reads.table.orders import Sort, check_order, in_order
from projections.revenue.store.tables import revenue_line
from runtime.database import driver_of

ROWS_AT_ONCE = 1000
SUSPECT = b",t\n"
# Amounts as decimals of their currency, or as whole minor units.
Amounts = Literal["decimal", "minor"]
AMOUNTS: tuple[Amounts, ...] = get_args(Amounts)
MONEY_COLUMNS = frozenset(("amount", "discount_amount", "tax_amount", "net_amount", "credited_amount"))

# The most frequent first: most texts are ids.
_HARMLESS = (("a", "{"), ("A", "["), ("0", ":"))
# An export lasts as long as its client takes to read it, within reason: a snapshot keeps PostgreSQL from cleaning up.
_LONGEST = text("SET LOCAL statement_timeout = '1h'")

# Columns with text that others wrote. A quantity is stored as text for its precision, but it is a number.
WRITTEN_BY_OTHERS = frozenset(column.name for column in revenue_line.c if isinstance(column.type, Text)) - {"quantity"}


class _IsLeftError(Exception):
    """The reader has stopped, whether there are more rows or not."""


@contextmanager
def every_line(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str], amounts: Amounts
) -> Iterator[Iterator[list[bytes]]]:
    """Yield all lines that the filter selects as CSV, written by PostgreSQL, in the order of the pages.

    Yields batches of rows with these columns of the table, in UTF-8, each ending with a newline; days, instants and
    booleans have the same text as in JSON. A last column is added: whether a text that others wrote begins with
    anything but an ASCII letter or digit (`SUSPECT`). Otherwise as `copied_rows`.

    :raises NotFoldedYetError: as `rows_in_order`
    """
    statement = rows_in_order(
        snapshot,
        line_filter,
        sort=sort,
        cells=lambda part: [*_csv_cells(part, columns, amounts), _is_suspect(part, columns)],
    )
    with copied_rows(snapshot, line_filter, statement, copy_format="CSV") as batches:
        yield batches


@contextmanager
def copied_rows(
    snapshot: Snapshot, line_filter: LineFilter, statement: Select[Any], *, copy_format: Literal["CSV", "TEXT"]
) -> Iterator[Iterator[list[bytes]]]:
    """Yield batches of all rows of a statement about the filter's lines, as PostgreSQL's COPY writes them.

    The first rows are read before the `with` block begins: a query that fails, fails there. Keep the snapshot open as
    long as rows are read, which may take an hour.
    """
    compiled = statement.compile(snapshot.connection.engine)
    bound = compiled.construct_params(snapshot.bound() | line_filter.bound())
    # The driver writes parameters into the statement, where -9223372036854775808::bigint negates a number too large.
    parameters = {name: str(value) if type(value) is int else value for name, value in bound.items()}
    snapshot.connection.execute(_LONGEST)
    driver = driver_of(snapshot.connection)
    with (
        suppress(_IsLeftError),
        driver.cursor() as cursor,
        cursor.copy(f"COPY ({compiled}) TO STDOUT (FORMAT {copy_format})", parameters) as copy,
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


def rows_in_order(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, cells: Callable[[Rows], list[ColumnElement[Any]]]
) -> Select[Any]:
    """Return the statement that selects these cells of all lines of the filter, in the order of the pages.

    :raises NotFoldedYetError: as `check_order`
    """
    check_order(snapshot, sort)
    parts = rows_at(line_filter.asked(), is_past=snapshot.is_past)
    if len(parts) == 1:
        return parts[0].select(*cells(parts[0])).order_by(*in_order(parts[0], sort))
    together = union_all(*(part.select(*map(part.column, LINE_COLUMNS)) for part in parts)).subquery()
    return select(*cells(Rows(together, [], together.c.__getitem__))).order_by(*in_order(together, sort))


def scale_of(part: Rows) -> ColumnElement[Decimal]:
    """Return what a minor unit of a row's currency is worth in major units: 0.01, with as many decimals as it has."""
    exponent = part.column("currency_exponent")
    known = {places: literal(Decimal(1).scaleb(-places), Numeric) for places in sorted({*EXPONENTS.values()})}
    return case(known, value=exponent, else_=cast(func.concat("1e-", exponent), Numeric))


def _csv_cells(part: Rows, names: Sequence[str], amounts: Amounts) -> Iterator[ColumnElement[Any]]:
    for name in names:
        column, kind = part.column(name), revenue_line.c[name].type
        if name in MONEY_COLUMNS and amounts == "decimal":
            yield cast(column, Numeric) * scale_of(part)
        elif kind is INSTANT:
            yield func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        else:
            yield cast(column, Text) if isinstance(kind, Date | Boolean) else column


def _is_suspect(part: Rows, names: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *(~_is_harmless(part.column(name)) for name in names if name in WRITTEN_BY_OTHERS))


def _is_harmless(column: ColumnElement[str]) -> ColumnElement[bool]:
    words = column.collate("C")
    return func.coalesce(or_(*(and_(words >= first, words < end) for first, end in _HARMLESS), words == ""), True)
