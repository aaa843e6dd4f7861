"""Put changes of rows into the table and into its past. Commits nothing."""

from collections.abc import Iterator, Sequence
from itertools import product

from psycopg import sql
from sqlalchemy import Connection

from projections.revenue.row import Row
from projections.revenue.row_changes import Life, RowChanges, RowVersion
from projections.revenue.row_parts import SaidPart
from projections.revenue.row_text import text_of
from projections.revenue.store.bulk import BuildState, Places, columns_of_places
from projections.revenue.sums import RowSums

_STORED_ROWS_AT_ONCE = 5000

_PAST = (*Row._fields, "until", "is_removed", "is_displaced", "first_position")
_COPY_LINES = sql.SQL("COPY revenue_line (company_id, build, {}) FROM STDIN").format(
    sql.SQL(", ").join(map(sql.Identifier, (*Row._fields, "first_position")))
)
_COPY_PAST = sql.SQL("COPY revenue_line_past (company_id, build, {}) FROM STDIN").format(
    sql.SQL(", ").join(map(sql.Identifier, _PAST))
)
_END = f"""
    WITH ended AS (
        DELETE FROM revenue_line r
        USING unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(invoice_id)b::text[],
                     %(line_id)b::text[], %(until)b::bigint[], %(is_removed)b::boolean[], %(is_displaced)b::boolean[])
            WITH ORDINALITY AS k (company_id, build, livemode, invoice_id, line_id, until, is_removed, is_displaced, n)
        WHERE r.company_id = k.company_id AND r.build = k.build AND r.livemode = k.livemode
          AND r.invoice_id = k.invoice_id AND r.invoice_line_item_id = k.line_id
        RETURNING r.*, k.until, k.is_removed, k.is_displaced, k.n
    ), kept AS (
        INSERT INTO revenue_line_past (company_id, build, {", ".join(_PAST)})
        SELECT company_id, build, {", ".join(_PAST)} FROM ended
    )
    SELECT n, first_position FROM ended WHERE NOT is_removed
"""  # noqa: S608 - our own columns
_DISPLACE = """
    UPDATE revenue_line_past p SET is_displaced = true
    FROM unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(invoice_id)b::text[],
                %(line_id)b::text[]) AS k (company_id, build, livemode, invoice_id, line_id)
    WHERE p.company_id = k.company_id AND p.build = k.build AND p.invoice_line_item_id = k.line_id
      AND p.livemode = k.livemode AND p.invoice_id = k.invoice_id AND NOT p.is_displaced
"""
_MOVED = f"""
    SELECT r.company_id, {", ".join(f"r.{name}" for name in Row._fields)}
    FROM unnest(%(company_id)b::bigint[], %(build)b::integer[], %(livemode)b::boolean[], %(id)b::text[])
        AS k (company_id, build, livemode, id)
    JOIN revenue_line r ON r.company_id = k.company_id AND r.build = k.build AND r.livemode = k.livemode
        AND r.{{column}} = k.id
"""  # noqa: S608 - our own columns
_ENDS = {one: text_of(one) for one in product((False, True), repeat=2)}


class LineWriter:
    """Gathers changes of many companies, so that a few statements write all of them."""

    def __init__(self) -> None:
        self._ended: list[tuple[BuildState, RowVersion]] = []
        self._displaced: list[tuple[BuildState, SaidPart]] = []
        # Texts whose last field is when the life began: of lines that stood before, the table tells it when they end.
        self._past: list[tuple[bytes, Life]] = []
        self._lines: list[tuple[bytes, Life]] = []

    def add(self, build_state: BuildState, changes: RowChanges, sums: RowSums) -> None:
        """Take in changes of one company, and note them in its sums."""
        at = b"%d\t%d\t" % (build_state.company_id, build_state.build)
        self._displaced += [(build_state, said) for said in changes.displaced if build_state.is_begun]
        for row in changes.ended:
            if row.is_stored:
                self._ended.append((build_state, row))
                sums.went(row, row.text)
            else:
                text = row.text
                sums.came_and_went(row, text)
                end = _ENDS[row.is_removed, row.is_displaced]
                self._past.append((b"%b%b\t%d\t%b" % (at, text, row.until, end), row.life))
        for row in changes.current:
            text = row.text
            sums.came(row, text)
            self._lines.append((at + text, row.life))

    def write(self, connection: Connection) -> None:
        """Move the rows that ended into the past; add those that stand now, and those that came and went meanwhile."""
        if self._displaced:
            connection.exec_driver_sql(_DISPLACE, _keys(self._displaced))
        if self._ended:
            for number, first_position in connection.exec_driver_sql(_END, _endings(self._ended)):
                self._ended[number - 1][1].life.first_position = first_position
        _copy(connection, _COPY_PAST, self._past)
        _copy(connection, _COPY_LINES, self._lines)
        self._ended, self._displaced, self._past, self._lines = [], [], [], []


def moved_rows(connection: Connection, build_states: Sequence[BuildState]) -> Iterator[tuple[BuildState, Row]]:
    """Give the stored rows that show a price or a name that moved, without those of invoices in the revenue.

    Reads them as they stood when it was called, so that they may be changed meanwhile.
    """
    begun = {build_state.company_id: build_state for build_state in build_states if build_state.is_begun}
    names = [(build_state, build_state.revenue.name_states) for build_state in begun.values()]
    prices = [(build_state, build_state.revenue.price_states) for build_state in begun.values()]
    for column, places in (("customer_id", names), ("price_id", prices)):
        for company_id, row in _stored(connection, column, places):
            revenue = begun[company_id].revenue
            is_told_by_name = column == "price_id" and (row.livemode, row.customer_id) in revenue.name_states
            if (row.livemode, row.invoice_id) not in revenue.invoices and not is_told_by_name:
                yield begun[company_id], row


def _stored(connection: Connection, column: str, places: Places) -> Iterator[tuple[int, Row]]:
    columns = columns_of_places(places)
    if not columns["id"]:
        return
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor("moved_rows", scrollable=False) as cursor:
        cursor.itersize = _STORED_ROWS_AT_ONCE
        cursor.execute(_MOVED.format(column=column), columns)
        for company_id, *row in cursor:
            yield company_id, Row(*row)


def _endings(ended: Sequence[tuple[BuildState, RowVersion]]) -> dict[str, object]:
    return {
        **_keys([(build_state, one.said) for build_state, one in ended]),
        "until": [one.until for _, one in ended],
        "is_removed": [one.is_removed for _, one in ended],
        "is_displaced": [one.is_displaced for _, one in ended],
    }


def _keys(lines: Sequence[tuple[BuildState, SaidPart]]) -> dict[str, object]:
    return {
        "company_id": [build_state.company_id for build_state, _ in lines],
        "build": [build_state.build for build_state, _ in lines],
        "livemode": [said.livemode for _, said in lines],
        "invoice_id": [said.invoice_id for _, said in lines],
        "line_id": [said.line_id for _, said in lines],
    }


def _copy(connection: Connection, statement: sql.Composed, lines: Sequence[tuple[bytes, Life]]) -> None:
    if not lines:
        return
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - a checked-out connection has one
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        # PostgreSQL refuses the word None, should a life's beginning have stayed unknown.
        copy.write(b"".join([b"%b\t%a\n" % (line, life.first_position) for line, life in lines]))
