"""The parts of an Excel workbook (XLSX) but for its rows, made by XlsxWriter."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import NamedTuple
from zipfile import ZipFile

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from events.stripe.money import EXPONENTS
from projections.reads.sheet_rows import Styles

_ABOUT = "About"
_SHEET = "xl/worksheets/sheet%d.xml"
_END_OF_ROW, _END_OF_ROWS = b"</row>", b"</sheetData>"
_STYLE = re.compile(rb' s="(\d+)"')
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_DAY, _INSTANT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_DECIMALS = sorted({*EXPONENTS.values()})
_WIDTH, _WIDTHS = 16, {"invoice_line_item_id": 32, "description": 48, "customer_name": 28, "currency": 10}
_ABOUT_WIDTHS = (24, 36, 20, 20)

Fact = Sequence["str | int | datetime | Amount"]


class Amount(NamedTuple):
    """An amount in minor units, and how many decimals its currency has."""

    minor_units: int
    exponent: int


class Contents(NamedTuple):
    """What a workbook has: a table with these columns, and a sheet with what there is to say about it, row by row."""

    table: str
    columns: Sequence[str]
    about: Sequence[Fact]
    made_at: datetime


class EmptySheet(NamedTuple):
    """A sheet's part in three: up to the end of its headings, its other rows, and what follows its rows."""

    head: bytes
    rows: bytes
    tail: bytes


def styles_of(contents: Contents) -> Styles:
    """Return the styles that the cells of the table's rows can have."""
    examples = empty_sheet(parts_of(contents, tables=1), 1).rows
    day, instant, *amounts = map(int, _STYLE.findall(examples))
    return Styles(day, instant, dict(zip(_DECIMALS, amounts, strict=True)))


def parts_of(contents: Contents, *, tables: int) -> dict[str, bytes]:
    """Return the parts of a workbook whose table takes so many sheets, each by its name in the archive.

    The sheet about the table is the second one. The sheets of the table have no rows but their headings, and the first
    one an example of each style below them.
    """
    file = BytesIO()
    with Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"title": contents.table, "created": contents.made_at})
        bold, formats = book.add_format({"bold": True}), _formats(book)
        names = [contents.table, *(f"{contents.table} {number}" for number in range(2, tables + 1))]
        first, about, *others = [book.add_worksheet(name) for name in (names[0], _ABOUT, *names[1:])]
        # Headings first: so their places among the texts of the workbook are the same for any number of sheets.
        for sheet in (first, *others):
            _write_headings(sheet, contents.columns, bold)
        for place, example in enumerate(formats.values()):
            first.write_number(1, place, 0, example)
        _write_facts(about, contents.about, bold, formats)
    with ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def name_of(table: int) -> str:
    """Return the name of the part of the table's n-th sheet."""
    return _SHEET % (table if table == 1 else table + 1)


def empty_sheet(parts: dict[str, bytes], table: int) -> EmptySheet:
    """Return the part of the table's n-th sheet, divided where its rows belong."""
    head, headings_end, rest = parts[name_of(table)].partition(_END_OF_ROW)
    rows, rows_end, tail = rest.partition(_END_OF_ROWS)
    # How far the sheet extends is known only when it has been written, and need not be said.
    return EmptySheet(_DIMENSION.sub(b"", head) + headings_end, rows, rows_end + tail)


def _formats(book: Workbook) -> dict[str | int, Format]:
    """Return the formats of days and instants, then those of amounts by number of decimals."""
    of_amounts: dict[str | int, str] = {n: "#,##0" + ("." + "0" * n if n else "") for n in _DECIMALS}
    codes = {_DAY: _DAY, _INSTANT: _INSTANT} | of_amounts
    return {key: book.add_format({"num_format": code}) for key, code in codes.items()}


def _write_headings(sheet: Worksheet, columns: Sequence[str], bold: Format) -> None:
    sheet.write_row(0, 0, columns, bold)
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS.get(name, _WIDTH))


def _write_facts(sheet: Worksheet, facts: Sequence[Fact], bold: Format, formats: dict[str | int, Format]) -> None:
    for place, width in enumerate(_ABOUT_WIDTHS):
        sheet.set_column(place, place, width)
    for row, fact in enumerate(facts):
        for place, value in enumerate(fact):
            match value:
                case Amount(minor_units, exponent):
                    sheet.write_number(row, place, Decimal(minor_units).scaleb(-exponent), formats[exponent])
                case datetime():
                    sheet.write_datetime(row, place, value.replace(tzinfo=None), formats[_INSTANT])
                case int():
                    sheet.write_number(row, place, value)
                case str():
                    sheet.write_string(row, place, value, None if place else bold)
