"""Every filter, alone and combined with others."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select

from projections.revenue.store.tables import revenue_line
from tests.support.payloads import event, new_invoice, price, product
from tests.support.web.lines import Reader, json_of, line_of

NO_PRICE = {"pricing": None, "parent": {"type": "invoice_item_details", "invoice_item_details": {}}}

FILTERS: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({}, {"il_quarter", "il_once", "il_unknown"}),
    ({"customer_id": "cus_2"}, {"il_once"}),
    ({"subscription_id": "sub_1"}, {"il_quarter", "il_unknown"}),
    ({"invoice_id": "in_3"}, {"il_unknown"}),
    ({"invoice_status": "open"}, {"il_once"}),
    ({"invoice_status": "void"}, {"il_unknown"}),
    ({"type": "one_time"}, {"il_once"}),
    ({"type": "recurring"}, {"il_quarter"}),
    ({"type": "unknown"}, {"il_unknown"}),
    ({"cadence": "quarterly"}, {"il_quarter"}),
    ({"cadence": "one_time"}, {"il_once"}),
    ({"cadence": "annual"}, set()),
    ({"currency": "eur"}, {"il_once"}),
    ({"currency": "EUR"}, {"il_once"}),
    ({"livemode": "false"}, {"il_test"}),
    ({"livemode": "false", "cadence": "annual"}, {"il_test"}),
    ({"date_from": "2026-02-01"}, {"il_once", "il_unknown"}),
    ({"date_to": "2026-02-01"}, {"il_quarter"}),
    ({"date_from": "2026-02-01", "date_to": "2026-02-02"}, {"il_once"}),
    ({"date_from": "2026-02-01", "date_to": "2026-02-01"}, set()),
    ({"date_from": "0001-01-01", "date_to": "9999-12-31"}, {"il_quarter", "il_once", "il_unknown"}),
    ({"amount_min": 0}, {"il_quarter", "il_unknown"}),
    ({"amount_max": 0}, {"il_once", "il_unknown"}),
    ({"amount_min": 0, "amount_max": 0}, {"il_unknown"}),
    ({"amount_min": -(2**63), "amount_max": 2**63 - 1}, {"il_quarter", "il_once", "il_unknown"}),
    ({"customer_id": ["cus_1", "cus_2"]}, {"il_quarter", "il_once", "il_unknown"}),
    ({"customer_id": ["cus_2", "cus_none"]}, {"il_once"}),
    ({"subscription_id": ["sub_1", "sub_2"], "invoice_id": ["in_2", "in_3"]}, {"il_unknown"}),
    ({"invoice_status": ["open", "void"]}, {"il_once", "il_unknown"}),
    ({"invoice_status": ["void", "open", "void"], "type": ["one_time", "recurring"]}, {"il_once"}),
    ({"cadence": ["quarterly", "unknown"], "currency": ["usd", "EUR"]}, {"il_quarter", "il_unknown"}),
    ({"currency": ["EUR", "jpy"]}, {"il_once"}),
    ({"price_id": "price_x"}, {"il_unknown"}),
    ({"price_id": ["price_x", "price_q"]}, {"il_quarter", "il_unknown"}),
    ({"product_id": "prod_1", "price_id": ["price_q", "price_none"]}, {"il_quarter"}),
    ({"product_id": "prod_none"}, set()),
    ({"customer_id": "cus_1", "amount_min": 1, "currency": "usd", "type": "recurring"}, {"il_quarter"}),
    ({"customer_id": "cus_1", "currency": "eur"}, set()),
    ({"q": "il", "invoice_status": "paid", "date_to": "2026-06-01"}, {"il_quarter"}),
)
SEARCHES: tuple[tuple[str, set[str]], ...] = (
    ("wool & SONS", {"il_once"}),
    ("team", {"il_quarter", "il_unknown"}),
    ("f00d-0002", {"il_once"}),
    ("CUS_1", {"il_quarter", "il_unknown"}),
    ("in_3", {"il_unknown"}),
    ("l_quart", {"il_quarter"}),
    ("%", {"il_once"}),
    ("50%", {"il_once"}),
    ("0_", set()),
    ("%_", {"il_once"}),
    ("l_", {"il_quarter", "il_once", "il_unknown"}),
    ("/", set()),
    ("\\", set()),
    ("'; DROP TABLE revenue_line; --", set()),
)


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    """Return a reader of four lines: quarterly, one-time, with an unknown price, and annual in test mode."""
    reader = Reader.of_new_company(client, engine)
    once = new_invoice(
        "in_2",
        line_of("il_once", -500, day=31, description="50%_off", currency="eur", **NO_PRICE),
        status="open",
        number="F00D-0002",
        customer="cus_2",
        customer_name="Wool & Sons",
        parent=None,
        currency="eur",
    )
    unknown = new_invoice("in_3", line_of("il_unknown", 0, day=59, **_priced("price_x")), status="void")
    test = new_invoice("in_4", line_of("il_test", 5, **_priced("price_y")))
    reader.receive(
        event(price("price_q", "month", 3), "price.created"),
        event(price("price_y", "year", 1), "price.created", livemode=False),
        event(new_invoice("in_1", line_of("il_quarter", 30_000, description="Team plan, 500 off"))),
        event(once),
        event(unknown),
        event(test, livemode=False),
    )
    return reader


def _priced(price_id: str) -> dict[str, Any]:
    return {"pricing": {"type": "price_details", "price_details": {"price": price_id, "product": "prod_1"}}}


def test_a_list_holds_what_its_filter_says_and_nothing_else(reader: Reader) -> None:
    for query, found in FILTERS:
        assert set(reader.ids(**query)) == found, query


def test_a_search_takes_every_character_as_it_stands(reader: Reader) -> None:
    for q, found in SEARCHES:
        assert set(reader.ids(q=q)) == found, q


def test_a_search_finds_the_name_of_a_product(reader: Reader) -> None:
    pricing = {"price_details": {"price": "price_q", "product": "prod_2"}}
    reader.add_lines(line_of("il_crew", pricing=pricing), invoice_id="in_crew")
    reader.receive(event(product("Crew edition", "prod_2"), "product.created"))

    assert reader.ids(q="crew ED") == ["il_crew"]


def test_several_values_count_the_same_in_lists_totals_months_csv_and_the_past(reader: Reader) -> None:
    query = {"invoice_status": ["open", "void"], "currency": ["usd", "eur"]}
    position = reader.page()["position"]

    page = reader.page(**query, include="totals")
    months = json_of(reader.ask(reader.path("/revenue-by-month"), query=query))["data"]
    then = reader.page(**query, include="totals", as_of=position)

    assert [(one["currency"], one["count"]) for one in page["totals"]] == [("eur", 1), ("usd", 1)]
    assert page["totals"] == then["totals"] == reader.page(**query, q="il", include="totals")["totals"]
    assert sorted((one["currency"], one["invoice_status"]) for one in months) == [("eur", "open"), ("usd", "void")]
    assert reader.ask(reader.path("/revenue-lines.csv"), query=query).text.count("\n") == 3
    assert reader.ids(invoice_status=["void", "open"]) == reader.ids(invoice_status=["open", "void", "open"])
    cursor = reader.page(invoice_status=["void", "open"], limit=1)["next_cursor"]
    assert len(reader.ids(invoice_status=["open", "void"], limit=1, cursor=cursor)) == 1


def test_fifty_values_are_taken_and_no_more(reader: Reader) -> None:
    values = [f"cus_{number}" for number in range(51)]

    assert len(reader.ids(customer_id=values[:50])) == 3
    refused = reader.get("/revenue-lines", customer_id=values)
    assert (refused.status_code, json_of(refused)["errors"]) == (
        422,
        [{"pointer": "/query/customer_id", "detail": "Not 1 to 50 values."}],
    )


def test_a_customer_without_a_name_is_found_by_the_address_that_its_invoice_names(reader: Reader) -> None:
    """Lines without a customer's name showed nothing, and could not be searched."""
    unnamed = new_invoice(
        "in_6", line_of("il_u"), customer="cus_u", customer_name=None, customer_email="Una@example.org"
    )
    reader.receive(event(unnamed))

    (line,) = reader.page(q="una@EXAMPLE")["data"]

    assert (line["customer_name"], line["customer_email"]) == (None, "Una@example.org")


def test_modified_after_gives_what_changed_since_that_instant(reader: Reader) -> None:
    with reader.engine.connect() as connection:
        last = connection.execute(select(func.max(revenue_line.c.updated_at))).scalar_one()
    reader.receive(event(new_invoice("in_5", line_of("il_new"))), event(price("price_x"), "price.created"))

    assert set(reader.ids(modified_after=last.isoformat())) == {"il_new", "il_unknown"}
    assert reader.ids(modified_after="2999-01-01T00:00:00Z") == []
    assert len(reader.ids(modified_after="2000-01-01T00:00:00+02:00")) == 4
