"""The table as CSV: every line, no formulas, numbers as numbers, in constant memory."""

import csv
import io
import json
import re
import resource
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, insert, select, true, update
from sqlalchemy.pool import QueuePool

from app.wiring.tools import Tools
from projections.reads.table.orders import SORTS
from projections.revenue.store.tables import revenue_line
from tenants.tables import company
from tests.support.clock import NOON
from tests.support.payloads import customer, event, new_invoice, price
from tests.support.web.lines import Reader, json_of, line_of

SEVEN = "invoice_line_item_id,subscription_id,customer_name,customer_id,description,date,amount,"
FORMULAS = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    " \u00a0 =1",
    "＝1",
    "－1",
    " \t",
)
HARMLESS = ("3 × Team plan", "a=1", "1-2", "", "'=1", '"=1"', "e@example.com", "a\r\nb", 'say "hi", twice', " plain ")


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def rows_of(reader: Reader, **query: Any) -> list[dict[str, str]]:
    """Return the rows as a parser of RFC 4180 reads them."""
    response = reader.get("/revenue-lines.csv", **query)
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8"), newline=""), strict=True))


def test_the_header_names_the_seven_columns_first_and_then_the_others(reader: Reader) -> None:
    response = reader.get("/revenue-lines.csv")

    assert response.text.startswith(SEVEN)
    assert response.text.count("\r\n") == 1
    assert response.text.rstrip().split(",")[7:] == [
        "currency",
        "currency_exponent",
        "discount_amount",
        "tax_amount",
        "net_amount",
        "type",
        "cadence",
        "interval_unit",
        "interval_count",
        "cadence_source",
        "period_start",
        "period_end",
        "proration",
        "quantity",
        "price_id",
        "product_id",
        "customer_name_on_invoice",
        "invoice_id",
        "invoice_number",
        "invoice_status",
        "invoice_complete",
        "livemode",
        "position",
        "updated_at",
        "product_name",
        "price_name",
        "credited_amount",
        "customer_email",
    ]


def test_the_file_is_named_for_its_company_its_table_and_its_moment(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    today = NOON.date().isoformat()
    cases: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("Zed Inc", {}, f"zed-inc-revenue-lines-{today}"),
        ("Zed Inc", {"as_of": "2026-11-01T00:00:00Z"}, "zed-inc-revenue-lines-as-of-2026-10-31"),
        ('../ Zed "&" \r\n CON: ', {}, f"zed-con-revenue-lines-{today}"),
        ("***", {}, f"revenue-lines-{today}"),
    )
    for owner, query, name in cases:
        rename(reader, owner)
        headers = reader.get("/revenue-lines.csv", **query).headers

        assert headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["Cache-Control"] == "private, no-store"


def test_a_name_in_any_script_is_kept_and_has_an_ascii_equal_beside_it(reader: Reader) -> None:
    today = NOON.date().isoformat()

    for owner, plain, exact in (
        ("Zürich Café", "zurich-cafe-", "zürich-café-"),
        ("ゼッド", "", "ゼッド-"),
        ("字" * 200, "", "字" * 50 + "-"),
    ):
        rename(reader, owner)
        disposition = reader.get("/revenue-lines.csv").headers["Content-Disposition"]

        begun = f"attachment; filename=\"{plain}revenue-lines-{today}.csv\"; filename*=UTF-8''"
        assert disposition.startswith(begun)
        assert unquote(disposition.removeprefix(begun)) == f"{exact}revenue-lines-{today}.csv"
        assert len(unquote(disposition.removeprefix(begun)).encode()) < 255


def test_a_file_of_a_past_position_is_named_for_the_day_of_its_last_event(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    reader.add_lines(line_of("il_2"), invoice_id="in_2")
    with reader.engine.connect() as connection:
        day = connection.exec_driver_sql("SELECT recorded_at FROM event WHERE position = 2").scalar_one().date()

    past, now = (reader.get("/revenue-lines.csv", as_of=n).headers["Content-Disposition"] for n in (2, 3))

    assert past.endswith(f'-revenue-lines-as-of-{day}.csv"')
    assert now.endswith(f'-revenue-lines-{NOON.date()}.csv"')


def rename(reader: Reader, name: str) -> None:
    with reader.engine.begin() as connection:
        connection.execute(update(company).values(name=name))


@pytest.mark.promise("Hostile input: signatures, JSON, shapes, cursors and spreadsheets")
def test_text_that_a_spreadsheet_would_run_is_made_harmless(reader: Reader) -> None:
    reader.add_lines(*(line_of(f"il_{n:02}", description=text, day=n) for n, text in enumerate(FORMULAS)))
    reader.receive(event(customer("=cmd|' /C calc'!A0"), "customer.updated", created=1_800_000_000))

    rows = rows_of(reader, sort="date")

    assert [re.sub(r"(?<=[\t\r\n])'", "", row["description"]) for row in rows] == ["'" + text for text in FORMULAS]
    assert {row["customer_name"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert {row["customer_name_on_invoice"] for row in rows} == {"Zed Inc"}


SPLIT = {
    "Acme;=1+1": "Acme;'=1+1",
    'Acme; \t"=1+1': "Acme;' \t'\"=1+1",
    "Acme\t-2": "Acme\t'-2",
    "Acme\r\n@SUM(A1)": "Acme\r\n'@SUM(A1)",
    "Acme; Zed, -2 and a\tb": "Acme; Zed, -2 and a\tb",
}


def test_text_is_no_formula_in_programs_that_separate_cells_by_semicolons_or_tabs(reader: Reader) -> None:
    reader.add_lines(*(line_of(f"il_{n:02}", description=text, day=n) for n, text in enumerate(SPLIT, 1)))

    rows = rows_of(reader, sort="date", columns="description,invoice_line_item_id")
    answer = reader.get("/revenue-lines.csv", sort="date", columns="description,invoice_line_item_id").text

    assert [row["description"] for row in rows] == list(SPLIT.values())
    # Wherever else it is split, no cell begins with what runs.
    cells = [cell.strip(' "') for cell in re.split(r"[;\t\r\n]", answer)]
    assert [cell for cell in cells if cell[:1] in set("=+-@")] == []
    assert '"Acme; Zed, -2 and a\tb",il_05' in answer


def test_harmless_text_arrives_as_it_is(reader: Reader) -> None:
    reader.add_lines(*(line_of(f"il_{n:02}", description=text, day=n) for n, text in enumerate(HARMLESS)))

    assert [row["description"] for row in rows_of(reader, sort="date")] == list(HARMLESS)


def test_numbers_are_written_as_numbers_also_below_zero(reader: Reader) -> None:
    credit = line_of("il_1", -30_000, discount_amounts=[{"amount": -5}], quantity_decimal="-2.50")
    reader.add_lines(credit)

    row = rows_of(reader)[0]

    assert [row[name] for name in ("amount", "discount_amount", "tax_amount", "net_amount", "quantity")] == [
        "-300.00",
        "-0.05",
        "0.00",
        "-299.95",
        "-2.5",
    ]
    assert ",-300.00,usd,2,-0.05,0.00,-299.95," in reader.get("/revenue-lines.csv").text


def test_amounts_have_the_decimals_of_their_currency_now_and_in_the_past(reader: Reader) -> None:
    amounts = {"usd": 123_400, "kwd": 97_020, "jpy": 42_000, "eur": 7}
    reader.receive(
        *(
            event(new_invoice(f"in_{name}", line_of(f"il_{name}", amount, currency=name)))
            for name, amount in amounts.items()
        ),
        event(new_invoice("in_most", line_of("il_most", 2**63 - 1)), created=1_800_000_000),
    )
    most = {"il_usd": "1234.00", "il_kwd": "97.020", "il_jpy": "42000", "il_eur": "0.07"}

    for as_of in (5, 6):
        written = {row["invoice_line_item_id"]: row["amount"] for row in rows_of(reader, as_of=as_of)}
        assert written == most | ({"il_most": "92233720368547758.07"} if as_of > 5 else {})
    assert reader.get("/revenue-lines.csv", amounts="cents").status_code == 422


def test_minor_units_on_request_are_written_as_the_api_returns_them(reader: Reader) -> None:
    reader.add_lines(line_of("il_1", -30_000, discount_amounts=[{"amount": -5}]))

    answer = reader.get("/revenue-lines.csv", amounts="minor")

    assert ",-30000,usd,2,-5,0,-29995," in answer.text
    assert answer.headers["ETag"] != reader.get("/revenue-lines.csv").headers["ETag"]


def test_the_rows_are_those_of_the_list_in_its_order(reader: Reader) -> None:
    reader.receive(
        event(price("price_q", "month", 3), "price.created"),
        event(new_invoice("in_1", *(line_of(f"il_{n}", n % 3 - 1, day=n % 5) for n in range(20)))),
        event(new_invoice("in_2", line_of("il_1", 1, currency="jpy", pricing=None), customer=None), livemode=True),
        event(new_invoice("in_3", line_of("il_t")), livemode=False),
    )

    queries: tuple[dict[str, Any], ...] = (
        {"amount_min": 0},
        {"amount_min": -(2**63), "amount_max": 2**63 - 1},
        {"currency": "JPY"},
        {"livemode": "false"},
        {"q": "%"},
        {"cadence": "quarterly"},
    )
    # Which lines there are does not depend on their order: every sort with all of them, every filter in some sort.
    for query, sort in [({}, sort) for sort in SORTS] + list(zip(queries, cycle(SORTS), strict=False)):
        listed = reader.page(sort=sort, limit=500, **query)["data"]

        assert rows_of(reader, sort=sort, amounts="minor", **query) == [as_row(line) for line in listed]
        for written, line in zip(rows_of(reader, sort=sort, **query), listed, strict=True):
            for name in ("amount", "discount_amount", "tax_amount", "net_amount"):
                assert Decimal(written[name]).scaleb(line["currency_exponent"]) == line[name]


def as_row(line: dict) -> dict[str, str]:
    """Return the CSV row with the same content as a line of the list."""
    interval = line.pop("interval") or {"unit": None, "count": None}
    period = line.pop("period")
    flat = line | {f"interval_{name}": value for name, value in interval.items()}
    flat |= {f"period_{name}": value for name, value in period.items()}
    del flat["object"], flat["mapping"]
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in flat.items()
    }


def test_a_file_that_did_not_change_is_not_sent_again(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    tag = reader.get("/revenue-lines.csv").headers["ETag"]

    assert reader.get("/revenue-lines.csv", headers={"If-None-Match": tag}).status_code == 304
    assert reader.get("/revenue-lines.csv", headers={"If-None-Match": reader.get().headers["ETag"]}).status_code == 200

    reader.add_lines(line_of("il_2"), invoice_id="in_2")
    assert reader.get("/revenue-lines.csv", headers={"If-None-Match": tag}).status_code == 200


def test_a_file_is_of_one_moment_while_the_table_moves(reader: Reader) -> None:
    reader.add_lines(*(line_of(f"il_{n}") for n in range(2000)))
    response = reader.client.get(reader.path("/revenue-lines.csv"), headers=reader.key, buffered=False)
    chunks = response.iter_encoded()
    next(chunks)

    reader.receive(event(new_invoice("in_1", line_of("il_other")), created=1_800_000_000))

    assert b"".join(chunks).count(b"\r\n") == 2000
    response.close()
    assert reader.ids() == ["il_other"]


def test_a_reader_who_goes_away_leaves_no_connection_behind(reader: Reader, web_tools: Tools) -> None:
    reader.add_lines(*(line_of(f"il_{n}") for n in range(2000)))
    pool = web_tools.exports.pool
    assert isinstance(pool, QueuePool)

    for chunks_read in (0, 1, 2):
        response = reader.client.get(reader.path("/revenue-lines.csv"), headers=reader.key, buffered=False)
        chunks = response.iter_encoded()
        for _ in range(chunks_read):
            next(chunks)
        assert pool.checkedout() == 1
        response.close()
        assert pool.checkedout() == 0


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_many_rows_take_no_more_memory_than_a_few(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    numbers = func.generate_series(2, 40_000).table_valued("number", name="numbers").render_derived()
    copied = [
        func.concat("in_", numbers.c.number) if column.name == "invoice_id" else column for column in revenue_line.c
    ]
    with reader.engine.begin() as connection:
        copies = select(*copied).select_from(revenue_line.join(numbers, true()))
        connection.execute(insert(revenue_line).from_select(list(revenue_line.c.keys()), copies))
    assert len(rows_of(reader, q="in_39999")) == 1
    before = highest = resident_bytes()
    response = reader.client.get(reader.path("/revenue-lines.csv"), headers=reader.key, buffered=False)
    chunks = response.iter_encoded()
    rows = 0

    for chunk in chunks:
        rows += chunk.count(b"\r\n")
        highest = max(highest, resident_bytes())

    response.close()
    assert rows == 1 + 40_000
    assert highest - before < 30_000_000


def test_columns_can_be_chosen_in_any_order(reader: Reader) -> None:
    reader.add_lines(line_of("il_1", 100, description="=1"))

    answer = reader.get("/revenue-lines.csv", columns="amount,description,invoice_line_item_id")

    assert answer.text == "amount,description,invoice_line_item_id\r\n1.00,'=1,il_1\r\n"
    assert answer.headers["ETag"] != reader.get("/revenue-lines.csv").headers["ETag"]


@pytest.mark.parametrize("columns", ["", "colour", "amount,amount", "amount,", "Amount"])
def test_columns_that_there_are_not_are_refused(reader: Reader, columns: str) -> None:
    answer = reader.get("/revenue-lines.csv", columns=columns)

    assert answer.status_code == 422
    assert json_of(answer)["errors"][0]["pointer"] == "/query/columns"
