"""The table as an Excel workbook: the list's lines, as real numbers and dates, streamed in constant memory."""

import io
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import Engine, func, insert, select, true
from sqlalchemy.pool import QueuePool

from app.api.exports.workbook import workbook_of
from app.api.exports.workbook_parts import Contents
from app.wiring.tools import Tools
from projections.reads.table.orders import SORTS
from projections.revenue.store.tables import revenue_line
from tests.support.clock import NOON
from tests.support.payloads import event, new_invoice, price
from tests.support.web.lines import Reader, line_of

AMOUNTS = ("amount", "discount_amount", "tax_amount", "net_amount")
INSTANTS = ("period_start", "period_end", "updated_at")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = (
    "=HYPERLINK(1)",
    "+1",
    "@SUM(A1)",
    "<b>&amp;</b> \"'",
    "  both ends  ",
    "two\nlines\ttab",
    "a\r\nb",
    "back\\slash \\n \\x41",
    "_x0041_x0042_ and _x000D_",
    "\x01\x1f\x0b",
    "\ufffe\uffff",
    "Zoë 株式会社 😀",
    "7",
)


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def book_of(reader: Reader, **query: Any) -> Workbook:
    response = reader.get("/revenue-lines.xlsx", **query)
    assert response.status_code == 200, response.text
    return load_workbook(io.BytesIO(response.data))


def lines_of(book: Workbook) -> list[dict[str, Any]]:
    """Return the rows of the first sheet by their headings, without empty cells."""
    head, *rows = book.worksheets[0].iter_rows()
    return [
        {name.value: cell.value for name, cell in zip(head, row, strict=True) if cell.value is not None} for row in rows
    ]


def about(book: Workbook) -> list[tuple[object, ...]]:
    return [tuple(value for value in row if value is not None) for row in book["About"].iter_rows(values_only=True)]


def as_cells(line: dict[str, Any]) -> dict[str, Any]:
    """Return what the cells of a line of the list hold, as openpyxl reads them."""
    interval, period = line.pop("interval"), line.pop("period")
    del line["object"], line["mapping"]
    flat = line | {f"period_{name}": value for name, value in period.items()}
    flat |= {f"interval_{name}": value for name, value in (interval or {}).items()}
    for name in AMOUNTS:
        flat[name] = Decimal(flat[name]).scaleb(-line["currency_exponent"])
    for name in INSTANTS:
        flat[name] = datetime.fromisoformat(flat[name]).replace(tzinfo=None)
    flat["date"] = datetime.fromisoformat(flat["date"])
    flat["quantity"] = Decimal(flat["quantity"]) if flat["quantity"] else None
    return {name: value for name, value in flat.items() if value is not None}


def to_the_cent(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with exact amounts, each as the shortest decimal that its number stands for."""
    exact = {name: Decimal(str(row[name])) for name in (*AMOUNTS, "quantity") if name in row}
    return row | exact


def test_the_rows_are_those_of_the_list_in_its_order_to_the_cent(reader: Reader) -> None:
    reader.receive(
        event(price("price_q", "month", 3), "price.created"),
        event(new_invoice("in_1", *(line_of(f"il_{n}", n * 333 - 1000, day=n % 5) for n in range(20)))),
        event(new_invoice("in_2", line_of("il_1", 42_000, currency="jpy", pricing=None), customer=None)),
        event(new_invoice("in_3", line_of("il_1", 97_020, currency="kwd", quantity_decimal="2.50"))),
        event(new_invoice("in_4", line_of("il_t", 10**15 - 1)), livemode=False),
    )
    then = reader.page()["position"]
    reader.add_lines(line_of("il_0", 5, day=9))

    queries: tuple[dict[str, Any], ...] = (
        {"currency": "JPY"},
        {"livemode": "false"},
        {"q": "il_1"},
        {"as_of": then},
    )
    # Which lines there are does not depend on their order: every sort with all of them, every filter in some sort.
    for query, sort in [({}, sort) for sort in SORTS] + list(zip(queries, cycle(SORTS), strict=False)):
        listed = reader.page(sort=sort, limit=500, **query)["data"]

        read = lines_of(book_of(reader, sort=sort, **query))

        assert list(map(to_the_cent, read)) == list(map(as_cells, listed))


def test_cells_are_numbers_with_the_format_of_their_currency_and_real_dates(reader: Reader) -> None:
    amounts = {"usd": 123_400, "kwd": 97_020, "jpy": -42_000}
    reader.receive(
        *(event(new_invoice(f"in_{name}", line_of(f"il_{name}", n, currency=name))) for name, n in amounts.items())
    )

    sheet = book_of(reader, columns="currency,amount,net_amount,date,updated_at,livemode", sort="amount").worksheets[0]

    rows = list(sheet.iter_rows(min_row=2))
    assert [(row[0].value, row[1].value, row[1].number_format) for row in rows] == [
        ("jpy", -42000, "#,##0"),
        ("kwd", 97.02, "#,##0.000"),
        ("usd", 1234, "#,##0.00"),
    ]
    assert {row[2].number_format for row in rows} == {"#,##0", "#,##0.000", "#,##0.00"}
    assert {(row[3].is_date, row[3].number_format, row[3].value) for row in rows} == {
        (True, "yyyy-mm-dd", datetime(2026, 1, 1))  # noqa: DTZ001 - a spreadsheet knows no zones
    }
    assert {(row[4].is_date, row[4].number_format) for row in rows} == {(True, "yyyy-mm-dd hh:mm:ss")}
    assert {row[5].value for row in rows} == {True}


def test_texts_arrive_as_they_are_and_are_never_formulas(reader: Reader) -> None:
    reader.add_lines(*(line_of(f"il_{n:02}", description=text, day=n) for n, text in enumerate(HOSTILE)))
    reader.add_lines(line_of("il_long", description="=" + "x" * 40_000, day=90), invoice_id="in_2")

    sheet = book_of(reader, sort="date", columns="description").worksheets[0]

    *cells, long = [cell for (cell,) in sheet.iter_rows(min_row=2)]
    # As Excel reads them: openpyxl leaves the escapes of cells as they are.
    assert [unescape(cell.value) for cell in cells] == list(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}
    assert (long.data_type, long.value) == ("s", "=" + "x" * 15_999 + "…")


def test_headings_stay_in_sight_and_columns_are_wide_enough(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))

    sheet = book_of(reader).worksheets[0]

    assert sheet.freeze_panes == "A2"
    assert all(cell.font.b for cell in sheet[1])
    assert all(column.width >= 10 for column in sheet.column_dimensions.values())
    assert [cell.value for cell in sheet[1]][:7] == [
        *("invoice_line_item_id", "subscription_id", "customer_name", "customer_id", "description", "date", "amount")
    ]


def test_the_second_sheet_says_what_the_first_one_shows(reader: Reader) -> None:
    reader.add_lines(line_of("il_1", 123_400), line_of("il_2", -42_000, currency="jpy"))
    page = reader.page()

    book = book_of(reader, type="unknown", amount_max=500_000, sort="amount")
    facts = about(book)

    assert book.sheetnames == ["Revenue lines", "About"]
    now = NOON.replace(tzinfo=None)
    for fact in (
        ("Company", "Company of acct_tests", reader.company_id),
        ("Made at (UTC)", now),
        ("As of", "now"),
        ("Position of the log", page["position"]),
        ("Checksum of the table", page["checksum"]),
        ("Sorted", "by amount, smallest first"),
        ("Mode", "live"),
        ("Filter: type", "unknown"),
        ("Filter: amount_max (minor units)", 500_000),
        ("Lines", 2),
        ("JPY", 1, -42_000, -42_000),
        ("USD", 1, 1234, 1234),
    ):
        assert fact in facts
    then = about(book_of(reader, as_of="2026-01-01T00:00:00Z"))
    assert ("As of", datetime(2026, 1, 1)) in then  # noqa: DTZ001 - a spreadsheet knows no zones
    assert ("Lines", 0) in then


def test_an_empty_table_is_a_workbook_too(reader: Reader) -> None:
    book = book_of(reader)

    assert lines_of(book) == []
    assert ("Filters", "none") in about(book)


def test_lines_beyond_a_sheet_go_on_under_the_same_headings() -> None:
    batches = [(b"".join(b"<row><c><v>%d</v></c></row>" % n for n in range(at, at + 2)), 2) for at in range(0, 10, 2)]
    contents = Contents("Lines", ("number",), [("Made by", "tests")], NOON)

    book = load_workbook(io.BytesIO(b"".join(workbook_of(contents, batches, most_rows=4))))

    assert book.sheetnames == ["Lines", "About", "Lines 2", "Lines 3"]
    assert {name: column_of(book[name]) for name in book.sheetnames} == {
        "Lines": ["number", 0, 1, 2, 3],
        "About": ["Made by"],
        "Lines 2": ["number", 4, 5, 6, 7],
        "Lines 3": ["number", 8, 9],
    }
    assert [book[name].freeze_panes for name in book.sheetnames] == ["A2", None, "A2", "A2"]


def column_of(sheet: Worksheet) -> list[object]:
    return [row[0] for row in sheet.iter_rows(values_only=True)]


def test_the_file_is_named_tagged_and_private(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))

    headers = reader.get("/revenue-lines.xlsx").headers

    assert headers["Content-Type"] == XLSX
    assert f'-revenue-lines-{NOON.date()}.xlsx"' in headers["Content-Disposition"]
    assert headers["Cache-Control"] == "private, no-store"
    # Two files of the same lines differ in when they were made.
    assert headers["ETag"].startswith("W/")
    assert reader.get("/revenue-lines.xlsx", headers={"If-None-Match": headers["ETag"]}).status_code == 304
    assert reader.get("/revenue-lines.xlsx", amounts="minor").status_code == 422


def pieces_of(reader: Reader) -> tuple[Any, Iterator[bytes]]:
    response = reader.client.get(reader.path("/revenue-lines.xlsx"), headers=reader.key, buffered=False)
    return response, iter(response.iter_encoded())


def test_a_reader_who_goes_away_leaves_neither_a_connection_nor_a_file(reader: Reader, web_tools: Tools) -> None:
    reader.add_lines(*(line_of(f"il_{n}") for n in range(3000)))
    pool = web_tools.exports.pool
    assert isinstance(pool, QueuePool)

    for pieces_read in (0, 1, 2):
        response, pieces = pieces_of(reader)
        for _ in range(pieces_read):
            next(pieces)
        assert pool.checkedout() == 1
        response.close()
        assert pool.checkedout() == 0


def test_many_lines_take_no_more_memory_than_a_few_and_arrive_while_they_are_read(
    reader: Reader, web_tools: Tools
) -> None:
    reader.add_lines(line_of("il_1"))
    numbers = func.generate_series(2, 40_000).table_valued("number", name="numbers").render_derived()
    copied = [
        func.concat("in_", numbers.c.number) if column.name == "invoice_id" else column for column in revenue_line.c
    ]
    with reader.engine.begin() as connection:
        copies = select(*copied).select_from(revenue_line.join(numbers, true()))
        connection.execute(insert(revenue_line).from_select(list(revenue_line.c.keys()), copies))
    assert len(lines_of(book_of(reader, q="in_39999"))) == 1
    before = highest = resident_bytes()
    response, pieces = pieces_of(reader)
    file, began_while_read = io.BytesIO(), False

    for piece in pieces:
        file.write(piece)
        began_while_read = began_while_read or (file.tell() > 0 and web_tools.exports.pool.checkedout() == 1)  # type: ignore[attr-defined]
        highest = max(highest, resident_bytes())

    response.close()
    assert began_while_read
    assert highest - before < 30_000_000
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("xl/worksheets/sheet1.xml").count(b"<row>") == 40_000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_the_clock_says_when_it_was_made() -> None:
    contents = Contents("Lines", ("a",), [("Made at", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))], NOON)

    book = load_workbook(io.BytesIO(b"".join(workbook_of(contents, []))))

    assert book["About"]["B1"].value == datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a spreadsheet knows no zones
    assert book.properties.created == NOON.replace(tzinfo=None)
