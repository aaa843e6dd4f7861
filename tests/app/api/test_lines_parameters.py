"""Unusable parameters are refused with a pointer to each; none is guessed."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.web.lines import Reader, json_of

UNUSABLE = (
    ("colour=red", "/query/colour"),
    ("Limit=1", "/query/Limit"),
    ("sort=date&sort=amount", "/query/sort"),
    ("q=a&q=a", "/query/q"),
    ("a/b~c=1", "/query/a~1b~0c"),
    ("sort=;drop", "/query/sort"),
    ("sort=", "/query/sort"),
    ("sort=date%00", "/query/sort"),
    ("livemode=1", "/query/livemode"),
    ("livemode=True", "/query/livemode"),
    ("livemode=", "/query/livemode"),
    ("type=monthly", "/query/type"),
    ("cadence=weekly", "/query/cadence"),
    ("invoice_status=draft", "/query/invoice_status"),
    ("currency=us", "/query/currency"),
    ("currency=usd%0A", "/query/currency"),
    ("currency=u%C3%9Fd", "/query/currency"),
    ("customer_id=", "/query/customer_id"),
    ("customer_id=a%00b", "/query/customer_id"),
    ("q=", "/query/q"),
    ("q=%00", "/query/q"),
    ("q=" + "a" * 256, "/query/q"),
    ("date_from=2026-13-01", "/query/date_from"),
    ("date_from=2026-02-29", "/query/date_from"),
    ("date_from=0000-01-01", "/query/date_from"),
    ("date_from=20260101", "/query/date_from"),
    ("date_from=2026-W01-1", "/query/date_from"),
    ("date_to=yesterday", "/query/date_to"),
    ("date_from=2026-02-02&date_to=2026-02-01", "/query/date_from"),
    ("amount_min=1.5", "/query/amount_min"),
    ("amount_min=1e3", "/query/amount_min"),
    ("amount_min=1_000", "/query/amount_min"),
    ("amount_min=%2B1", "/query/amount_min"),
    ("amount_min=%D9%A3", "/query/amount_min"),
    ("amount_max=9223372036854775808", "/query/amount_max"),
    ("amount_max=" + "9" * 5000, "/query/amount_max"),
    ("amount_min=2&amount_max=1", "/query/amount_min"),
    ("modified_after=2026-01-01T00:00:00", "/query/modified_after"),
    ("modified_after=2026-01-01", "/query/modified_after"),
    ("modified_after=now", "/query/modified_after"),
)


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


@pytest.mark.parametrize("below", ["/revenue-lines", "/revenue-lines.csv"])
def test_a_parameter_that_cannot_be_used_is_pointed_at(reader: Reader, below: str) -> None:
    for query, pointer in UNUSABLE:
        refused = reader.ask(f"{reader.path(below)}?{query}")

        assert (refused.status_code, refused.mimetype) == (422, "application/problem+json"), query[:99]
        assert json_of(refused)["code"] == "invalid_request"
        assert [fault["pointer"] for fault in json_of(refused)["errors"]] == [pointer]
        assert all(fault["detail"] for fault in json_of(refused)["errors"])


@pytest.mark.parametrize("below", ["/revenue-lines", "/quarantine"])
def test_a_page_has_between_1_and_500_rows(reader: Reader, below: str) -> None:
    for limit in ("0", "-1", "501", "1000000000", "9" * 5000, "1.0", "1_0", " 5", "", "ten", "٣"):
        refused = reader.get(below, limit=limit)

        assert (refused.status_code, limit) == (422, limit)
        assert json_of(refused)["errors"][0]["pointer"] == "/query/limit"


@pytest.mark.parametrize("below", ["/revenue-lines", "/quarantine"])
def test_the_bounds_of_a_page_are_allowed(reader: Reader, below: str) -> None:
    assert [reader.get(below, limit=limit).status_code for limit in (1, 500)] == [200, 200]


def test_all_faults_are_reported_at_once(reader: Reader) -> None:
    refused = reader.get(limit=0, sort="size", colour="red")

    assert {fault["pointer"] for fault in json_of(refused)["errors"]} == {
        "/query/limit",
        "/query/sort",
        "/query/colour",
    }


def test_a_whole_table_has_no_pages(reader: Reader) -> None:
    for parameter in ("limit", "cursor", "include"):
        refused = reader.ask(reader.path("/revenue-lines.csv"), query={parameter: "1"})

        assert (refused.status_code, json_of(refused)["errors"][0]["pointer"]) == (422, f"/query/{parameter}")


@pytest.mark.parametrize("below", ["/revenue-lines", "/revenue-lines.csv"])
def test_what_is_odd_but_means_something_is_answered(reader: Reader, below: str) -> None:
    for query in (
        "date_to=9999-12-31",
        "date_from=2024-02-29",
        "modified_after=0001-01-01T00:00:00%2B14:00",
        "modified_after=9999-12-31T23:59:59-14:00",
        "modified_after=2026-01-01T00:00:00%2B23:59",
        "modified_after=2026-01-01T00:00:00-23:59",
        "q=%FF%FE",
        "q=%F0%9F%92%B8",
        "customer_id=%27%20OR%201=1",
    ):
        assert reader.ask(f"{reader.path(below)}?{query}").status_code == 200, query


@pytest.mark.parametrize("below", ["/revenue-lines/il_1", "/quarantine"])
def test_no_route_takes_parameters_it_does_not_know(reader: Reader, below: str) -> None:
    assert json_of(reader.get(below, colour="red"))["errors"] == [
        {"pointer": "/query/colour", "detail": "Unknown field."}
    ]
