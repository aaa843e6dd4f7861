"""Read every line of a filter, however many there are, in memory that does not grow with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Text, cast, func, select, union_all

from events.tables import INSTANT
from projections.as_of import Rows, rows_at
from projections.filters import LineFilter, Sort
from projections.listing import in_order
from projections.queries import LineRow
from projections.snapshots import Snapshot
from projections.tables import revenue_line

ROWS_AT_ONCE = 1000

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
    parts = rows_at(line_filter.asked(), is_past=snapshot.is_past)
    if len(parts) == 1:
        statement = parts[0].select(*_as_json_has_them(parts[0], columns)).order_by(*in_order(parts[0], sort))
    else:
        names = dict.fromkeys((*columns, sort.removeprefix("-"), "invoice_line_item_id", "invoice_id"))
        together = union_all(*(part.select(*map(part.column, names)) for part in parts)).subquery()
        shown = Rows(together, [], together.c.__getitem__)
        statement = select(*_as_json_has_them(shown, columns)).order_by(*in_order(together, sort))
    asked = snapshot.bound() | line_filter.bound()
    with snapshot.connection.execute(statement, asked, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
        yield rows.partitions()


def _as_json_has_them(part: Rows, names: Sequence[str]) -> Iterator[ColumnElement[Any]]:
    for name in names:
        column, kind = part.column(name), revenue_line.c[name].type
        if kind is INSTANT:
            yield func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        else:
            yield cast(column, Text) if isinstance(kind, Date | Boolean) else column
