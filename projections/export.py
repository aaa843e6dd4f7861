"""Read every line of a filter, however many there are, in memory that does not grow with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Date, Select, Text, cast, func, select

from events.tables import INSTANT
from projections.filters import LineFilter, Sort, condition_of
from projections.queries import LineRow, Snapshot
from projections.tables import revenue_line

ROWS_AT_ONCE = 500

# Columns that hold what others wrote. A quantity is kept as text for its precision, yet it is a number.
WRITTEN_BY_OTHERS = frozenset(column.name for column in revenue_line.c if isinstance(column.type, Text)) - {"quantity"}


@contextmanager
def every_line(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str]
) -> Iterator[Iterator[Sequence[LineRow]]]:
    """Open a cursor over all lines of the filter, in the order in which pages give them.

    Gives batches of rows with these columns of the table; days, instants and truths as JSON's texts for them: the
    database is quicker at writing them. The first rows are read before it returns: a query that fails, fails here.
    Keep the snapshot open as long as the cursor.
    """
    lines = revenue_line.c
    order = (lines[sort.removeprefix("-")], lines.invoice_line_item_id, lines.invoice_id)
    statement: Select[Any] = (
        select(*(_as_json_has_it(lines[name]) for name in columns))
        .where(lines.company_id == snapshot.company_id, lines.build == snapshot.build, condition_of(line_filter))
        .order_by(*(key.desc() if sort.startswith("-") else key for key in order))
    )
    with snapshot.connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
        yield rows.partitions()


def _as_json_has_it(column: Column[Any]) -> ColumnElement[Any]:
    if column.type is INSTANT:
        return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    return cast(column, Text) if isinstance(column.type, Date | Boolean) else column
