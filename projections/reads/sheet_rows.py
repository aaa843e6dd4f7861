"""Read every line that a filter selects as the rows of a worksheet (SpreadsheetML), written by PostgreSQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Double,
    Integer,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)

from events.log.tables import INSTANT
from projections.reads.export import MONEY_COLUMNS, WRITTEN_BY_OTHERS, copied_rows, rows_in_order, scale_of
from projections.reads.snapshots import Snapshot
from projections.reads.table.as_of import Rows
from projections.reads.table.filters import LineFilter
from projections.reads.table.listing import LINE_COLUMNS
from projections.reads.table.orders import Sort, in_order
from projections.revenue.store.tables import revenue_line

# A cell holds 32,767 UTF-16 units, which no shorter text in bytes exceeds. Half as many characters always fit.
MOST_OF_A_CELL = 32_767
_KEPT_OF_A_LONGER_TEXT = 16_000
# Serial numbers count days from here: 1 is 1900-01-01, and 1900 counts as a leap year.
_DAY_ZERO: ColumnElement[Any] = literal_column("DATE '1899-12-30'")
_SERIAL_OF_1970 = 25_569
_SECONDS_OF_A_DAY = 86_400

# Columns of free text, in which spaces at the ends are kept, and columns of words from our own lists.
_FREE = frozenset(
    ("customer_name", "customer_name_on_invoice", "description", "invoice_number", "product_name", "price_name")
)
_LISTED = frozenset(("currency", "type", "cadence", "cadence_source", "invoice_status"))

_EMPTY = "<c/>"
_TEXT, _FREE_TEXT, _END_OF_TEXT = (
    '<c t="inlineStr"><is><t>',
    '<c t="inlineStr"><is><t xml:space="preserve">',
    "</t></is></c>",
)

_COPY_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
# A text that reads like an escape of SpreadsheetML: _x000D_.
_LIKE_AN_ESCAPE = re.compile(rb"_(?=x[0-9A-Fa-f]{4}_)")
# What XML cannot hold or does not keep: control characters but for tab and newline, U+FFFE and U+FFFF.
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n")
_UNWRITABLE = re.compile(rb"[%b]|\xef\xbf[\xbe\xbf]" % re.escape(_CONTROLS))


class Styles(NamedTuple):
    """The numbers of a workbook's cell styles: for days, for instants, and for amounts by number of decimals."""

    day: int
    instant: int
    amounts: Mapping[int, int]


@contextmanager
def every_sheet_row(
    snapshot: Snapshot, line_filter: LineFilter, *, sort: Sort, columns: Sequence[str], styles: Styles
) -> Iterator[Iterator[list[bytes]]]:
    """Yield batches of rows, each a `row` element with a cell for each column, as PostgreSQL's COPY writes texts.

    `as_xml` makes XML of them. Amounts, counts, days and instants are numbers; instants are in UTC. Texts are never
    formulas. Otherwise as `copied_rows`.
    """
    lines = rows_in_order(snapshot, line_filter, sort=sort, cells=lambda part: list(map(part.column, LINE_COLUMNS)))
    # OFFSET keeps the cells out of the sorting: they are made of rows in order, by an index if there is one.
    ordered = lines.offset(0).subquery()
    part = Rows(ordered, [], ordered.c.__getitem__)
    row = func.concat("<row>", *(piece for name in columns for piece in _cell(part, name, styles)), "</row>")
    statement = select(row).order_by(*in_order(ordered, sort))
    with copied_rows(snapshot, line_filter, statement, copy_format="TEXT") as batches:
        yield batches


def as_xml(rows: Sequence[bytes]) -> bytes:
    """Return rows of `every_sheet_row` as XML in UTF-8: what XML cannot hold is escaped as spreadsheets do."""
    xml = b"".join(rows)
    # Searching for a byte or two is fast; the expressions are not, and hardly ever needed.
    if b"_x" in xml:
        xml = _LIKE_AN_ESCAPE.sub(b"_x005F_", xml)
    if b"\\" in xml:
        xml = _COPY_ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), xml)
    if b"\xef" in xml or len(xml.translate(None, _CONTROLS)) < len(xml):
        xml = _UNWRITABLE.sub(lambda found: b"_x%04X_" % ord(found[0].decode()), xml)
    return xml


def _cell(part: Rows, name: str, styles: Styles) -> tuple[Any, ...]:
    column, kind = part.column(name), revenue_line.c[name].type
    if name in _LISTED:
        return _TEXT, column, _END_OF_TEXT
    if name in WRITTEN_BY_OTHERS:
        begun = literal(_FREE_TEXT if name in _FREE else _TEXT)
        return (func.coalesce(begun + _escaped(column) + _END_OF_TEXT, _EMPTY),)
    if isinstance(kind, Boolean):
        return '<c t="b"><v>', cast(column, Integer), "</v></c>"
    if name in MONEY_COLUMNS or isinstance(kind, Date) or kind is INSTANT:
        return *_styled(part, name, styles), "</v></c>"
    return (func.coalesce(literal("<c><v>") + cast(column, Text) + "</v></c>", _EMPTY),)


def _styled(part: Rows, name: str, styles: Styles) -> tuple[Any, Any]:
    column, kind = part.column(name), revenue_line.c[name].type
    if name in MONEY_COLUMNS:
        begun = {places: f'<c s="{style}"><v>' for places, style in styles.amounts.items()}
        of_currency = case(begun, value=part.column("currency_exponent"), else_="<c><v>")
        return of_currency, cast(column, Numeric) * scale_of(part)
    if kind is INSTANT:
        seconds = func.floor(cast(func.extract("epoch", column), Double))
        return f'<c s="{styles.instant}"><v>', seconds / _SECONDS_OF_A_DAY + _SERIAL_OF_1970
    return f'<c s="{styles.day}"><v>', column - _DAY_ZERO


def _escaped(column: ColumnElement[str]) -> ColumnElement[str]:
    kept = func.concat(func.left(column, _KEPT_OF_A_LONGER_TEXT), "…")
    fitting: ColumnElement[str] = case((func.octet_length(column) > MOST_OF_A_CELL, kept), else_=column)
    for special, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        fitting = func.replace(fitting, special, escape)
    return fitting
