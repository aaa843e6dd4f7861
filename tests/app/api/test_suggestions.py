"""Typing ahead: customers, subscriptions, prices and products are found by a part of what they are called."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.payloads import customer, event, new_invoice, price, product
from tests.support.web.lines import Reader, json_of, line_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    """Return a reader of five customers, the last of which has only an address."""
    reader = Reader.of_new_company(client, engine)
    for number, name in enumerate(("Zed Inc", "zeta ltd", "Amazed GmbH", "Žluť & Sons", None)):
        lines = [line_of(f"il_{number}_{n}", day=number) for n in range(number + 1)]
        named = {"customer": f"cus_{number}", "customer_name": name, "customer_email": f"Pay{number}@Example.org"}
        reader.receive(event(new_invoice(f"in_{number}", *lines, **named)))
    return reader


def suggested(reader: Reader, field: str = "customer", **query: Any) -> list[str]:
    answer = reader.get("/revenue-lines/suggestions", field=field, **query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in json_of(answer)["data"]]


def test_names_that_begin_with_what_is_typed_come_before_those_that_contain_it(reader: Reader) -> None:
    assert suggested(reader, q="ZE") == ["cus_0", "cus_1", "cus_2"]
    assert suggested(reader, q="zed") == ["cus_0", "cus_2"]
    assert suggested(reader, q="žlu") == ["cus_3"]
    assert suggested(reader, q="pay4@") == suggested(reader, q="CUS_4") == ["cus_4"]
    assert suggested(reader, q="%") == suggested(reader, q="\x1f%") == []
    assert len(suggested(reader)) == 5


def test_a_suggestion_has_what_is_known_and_the_number_of_lines(reader: Reader) -> None:
    (unnamed,) = json_of(reader.get("/revenue-lines/suggestions", field="customer", q="pay4"))["data"]
    everybody = json_of(reader.get("/revenue-lines/suggestions", field="customer"))["data"]
    (product,) = json_of(reader.get("/revenue-lines/suggestions", field="product", q="team"))["data"]

    assert unnamed == {
        "object": "suggestion",
        "field": "customer",
        "id": "cus_4",
        "name": None,
        "email": "Pay4@Example.org",
        "description": None,
        "line_count": 5,
    }
    assert {one["id"]: one["line_count"] for one in everybody} == {f"cus_{number}": number + 1 for number in range(5)}
    assert (product["id"], product["description"], product["line_count"]) == ("prod_1", "3 × Team plan", 15)
    assert suggested(reader, "price", q="price_") == ["price_q"]
    assert suggested(reader, "subscription", q="sub") == ["sub_1"]


def test_products_and_prices_are_found_by_their_newest_names(reader: Reader) -> None:
    reader.receive(
        event(product("Crew"), "product.created", created=1_900_000_000),
        event(price() | {"nickname": "Per quarter"}, "price.created", created=1_900_000_000),
    )
    assert (suggested(reader, "product", q="cre"), suggested(reader, "price", q="PER q")) == (["prod_1"], ["price_q"])
    reader.receive(event(product("Fleet"), "product.updated", created=1_900_000_001))

    (found,) = json_of(reader.get("/revenue-lines/suggestions", field="product", q="fleet"))["data"]

    assert (found["name"], found["description"], found["line_count"]) == ("Fleet", "3 × Team plan", 15)
    assert suggested(reader, "product", q="crew") == []


def test_a_customer_that_is_renamed_is_found_by_the_new_name_and_one_without_lines_is_not(reader: Reader) -> None:
    reader.receive(
        event(customer("Quux", "cus_0"), "customer.updated", created=1_900_000_000),
        event({"id": "in_1", "object": "invoice", "status": "draft"}, "invoice.deleted"),
    )

    assert suggested(reader, q="ze") == ["cus_2"]
    assert suggested(reader, q="quu") == ["cus_0"]


def test_there_are_ten_at_most_of_one_mode_and_of_nobody_elses(client: FlaskClient, reader: Reader) -> None:
    other = Reader.of_new_company(client, reader.engine, "acct_other")
    invoices = [
        event(new_invoice(f"in_t{n}", line_of(f"il_t{n}"), customer=f"cus_t{n}"), livemode=False) for n in range(12)
    ]
    reader.receive(*invoices)

    assert len(suggested(reader, livemode="false", q="cus_t")) == 10
    assert suggested(reader, q="cus_t") == suggested(other, q="cus") == []


@pytest.mark.parametrize(
    "query", [{}, {"field": "colour"}, {"field": "price", "q": ""}, {"field": "price", "as_of": 1}]
)
def test_what_cannot_be_suggested_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    assert reader.get("/revenue-lines/suggestions", **query).status_code == 422
