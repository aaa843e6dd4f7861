"""Paging: every line is read once, and a cursor is valid in its own list only."""

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from projections.reads.table.orders import SORTS
from tests.support.payloads import event, new_invoice
from tests.support.web.lines import Reader, json_of, line_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    """Return a reader of lines on three invoices; many share a day, an amount or a name, and some share an id."""
    reader = Reader.of_new_company(client, engine)
    for invoice_id in ("in_1", "in_2"):
        reader.add_lines(*(line_of(f"il_{n}", (n % 3 - 1) * 100, day=n % 4) for n in range(12)), invoice_id=invoice_id)
    unnamed = {"customer": "cus_2", "customer_name": None, "customer_email": "Anna@example.org", "number": None}
    yen = [line_of(f"il_{n}", n * 50, currency="jpy") for n in range(3)]
    reader.receive(event(new_invoice("in_0", *yen, currency="jpy", **unnamed)))
    return reader


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sort=st.sampled_from(SORTS), limit=st.integers(1, 25), amount_min=st.sampled_from([-100, 0, 100]))
def test_walking_visits_every_line_exactly_once_and_in_order(
    reader: Reader, sort: str, limit: int, amount_min: int
) -> None:
    whole = reader.page(sort=sort, limit=500, amount_min=amount_min)["data"]

    pages = list(reader.pages(sort=sort, limit=limit, amount_min=amount_min))

    assert [line_id for page in pages for line_id in page] == [line["invoice_line_item_id"] for line in whole]
    assert len({(line["invoice_id"], line["invoice_line_item_id"]) for line in whole}) == len(whole)
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_the_other_direction_is_the_same_list_backwards(reader: Reader) -> None:
    for column in (sort for sort in SORTS if not sort.startswith("-")):
        assert reader.ids(sort=column, limit=500) == reader.ids(sort=f"-{column}", limit=500)[::-1]


def test_a_walk_that_began_before_new_lines_came_misses_none_of_the_old_ones(reader: Reader) -> None:
    before = reader.ids(limit=500)
    pages = reader.pages(limit=5)
    seen = next(pages)

    reader.add_lines(*(line_of(f"il_new_{n}", day=n) for n in range(6)), invoice_id="in_3")

    for page in pages:
        seen += page
    assert [line_id for line_id in seen if not line_id.startswith("il_new")] == before


def test_a_cursor_of_another_filter_or_order_is_refused(reader: Reader) -> None:
    cursor = reader.page(limit=5, sort="date")["next_cursor"]

    for other in (
        {"sort": "amount"},
        {"sort": "-date"},
        {"q": "il"},
        {"livemode": "false"},
        {"date_from": "2026-01-01"},
        {"amount_min": -100},
    ):
        refused = reader.get(**{"sort": "date", **other, "cursor": cursor})

        assert (refused.status_code, json_of(refused)["code"]) == (400, "invalid_cursor"), other
        assert refused.mimetype == "application/problem+json"


def test_a_cursor_goes_on_with_another_page_size_and_with_totals(reader: Reader) -> None:
    cursor = reader.page(limit=5)["next_cursor"]

    assert reader.ids(limit=500, include="totals", cursor=cursor) == reader.ids(limit=500)[5:]


def test_a_cursor_of_another_company_is_refused(client: FlaskClient, reader: Reader) -> None:
    other = Reader.of_new_company(client, reader.engine, "acct_other")
    other.receive(event(new_invoice("in_1", line_of("il_1"), line_of("il_2")), account="acct_other"))

    refused = other.get(limit=1, cursor=reader.page(limit=1)["next_cursor"])

    assert (refused.status_code, json_of(refused)["code"]) == (400, "invalid_cursor")
    assert "il_" not in refused.text


@pytest.mark.promise("Hostile input: signatures, JSON, shapes, cursors and spreadsheets")
def test_a_cursor_that_was_touched_anywhere_is_refused(reader: Reader) -> None:
    cursor = reader.page(limit=5)["next_cursor"]
    touched = [cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in range(30)]

    for forged in (*touched, cursor[:-1], cursor + "A", cursor[::-1], "AAAA", "a.b.c", "\x00", "é", "[]", "null"):
        refused = reader.get(limit=5, cursor=forged)

        assert (refused.status_code, json_of(refused)["code"]) == (400, "invalid_cursor"), forged


def test_a_cursor_reveals_no_company_and_no_filter(reader: Reader) -> None:
    cursor = reader.page(limit=5, q="il_")["next_cursor"]

    assert "q=" not in cursor
    assert reader.get(limit=5, q="il_", cursor=cursor).status_code == 200
