"""Reading as of a moment over HTTP: the response for a moment never changes."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from tests.support.payloads import CREATED, customer, event, old_invoice, old_line
from tests.support.web.lines import Reader, json_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine)
    reader.receive(event(old_invoice("in_1", status="open")), event(old_invoice("in_2", old_line("il_2"))))
    reader.receive(event(old_invoice("in_1", status="paid"), created=CREATED + 5))
    reader.receive(event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60))
    return reader


def test_list_totals_line_and_csv_read_as_of_a_position(reader: Reader) -> None:
    then = reader.page(as_of=2, include="totals")

    assert then["position"] == 2
    assert [(line["invoice_id"], line["invoice_status"], line["customer_name"]) for line in then["data"]] == [
        ("in_1", "open", "Zed Inc")
    ]
    (total,) = then["totals"]
    assert (total["currency"], total["count"], total["amount"], total["billed_amount"]) == ("usd", 1, 30_000, 30_000)
    assert json_of(reader.get("/revenue-lines/il_1", as_of=3))["invoice_status"] == "open"
    assert reader.get("/revenue-lines/il_2", as_of=2).status_code == 404
    assert reader.get("/revenue-lines.csv", as_of=2).text.count("\r\n") == 2


def test_an_answer_as_of_a_moment_stays_the_same(reader: Reader) -> None:
    before = reader.get(as_of=3, include="totals")

    reader.receive(event(old_invoice("in_3")), event(customer("Third"), "customer.updated", created=CREATED + 99))
    after = reader.get(as_of=3, include="totals")

    assert (before.text, before.headers["ETag"]) == (after.text, after.headers["ETag"])
    assert reader.get(as_of=3, include="totals", headers={"If-None-Match": before.headers["ETag"]}).status_code == 304


def test_as_of_now_is_the_table_itself(reader: Reader, engine: Engine) -> None:
    with engine.connect() as connection:
        last = connection.execute(text("SELECT max(recorded_at) FROM event")).scalar_one()

    assert reader.page(as_of=5) == reader.page() == reader.page(as_of=last.isoformat())


def test_pages_as_of_a_moment_continue_with_a_cursor_of_that_moment(reader: Reader) -> None:
    assert [*reader.pages(as_of=4, limit=1)] == [["il_2"], ["il_1"]]
    cursor = reader.page(as_of=4, limit=1)["next_cursor"]
    assert reader.get(as_of=3, limit=1, cursor=cursor).status_code == 400


def test_equal_tables_have_equal_checksums_and_others_do_not(reader: Reader) -> None:
    checksums = [reader.page(as_of=position)["checksum"] for position in range(6)]

    assert len(set(checksums)) == 5, "the authorization changes no row, every other event does"
    assert reader.page(invoice_status="void")["checksum"] == checksums[5]


@pytest.mark.parametrize("wrong", ["6", "yesterday", "-1", "2026-01-01", "2026-01-01T00:00:00", "1" * 30])
def test_a_moment_that_cannot_be_is_refused(reader: Reader, wrong: str) -> None:
    for below in ("/revenue-lines", "/revenue-lines/il_1", "/revenue-lines.csv", "/revenue-by-month"):
        answer = reader.get(below, as_of=wrong)
        assert (answer.status_code, json_of(answer)["errors"][0]["pointer"]) == (422, "/query/as_of")


def test_what_is_not_folded_yet_is_not_answered_yet(reader: Reader, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection_state SET position = 3 WHERE projection = 'revenue_lines'"))

    answer = reader.get(as_of=5)

    assert (answer.status_code, json_of(answer)["code"]) == (503, "not_folded_yet")
    assert answer.headers["Retry-After"]
