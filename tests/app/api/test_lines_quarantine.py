"""Facts that could not be read are shown with the reason, and never lost silently."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.payloads import CREATED, event, new_invoice
from tests.support.web.lines import Reader, json_of, line_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def unreadable(invoice_id: str, **envelope: Any) -> dict[str, object]:
    """Return an event about an invoice with two lines of the same id."""
    return event(new_invoice(invoice_id, line_of("il_1"), line_of("il_1")), **envelope)


def quarantined(reader: Reader, **query: Any) -> list[dict[str, Any]]:
    response = reader.get("/quarantine", **query)
    assert response.status_code == 200
    facts: list[dict[str, Any]] = json_of(response)["data"]
    return facts


def test_a_fact_that_cannot_be_read_is_shown_with_its_reason(reader: Reader) -> None:
    reader.receive(unreadable("in_1"))

    answer = json_of(reader.get("/quarantine"))

    fact = answer["data"][0]
    assert fact.pop("recorded_at").endswith("Z")
    assert fact.pop("reason") == "two lines of the invoice share one id"
    assert fact == {
        "object": "quarantined_fact",
        "position": 2,
        "entity": "invoice:in_1",
        "livemode": True,
        "is_resolved": False,
    }
    assert (answer["object"], answer["has_more"]) == ("list", False)
    assert reader.ids() == []


def test_a_fact_is_resolved_once_its_invoice_was_read(reader: Reader) -> None:
    reader.receive(unreadable("in_1"), unreadable("in_2"))

    reader.receive(event(new_invoice("in_1"), created=CREATED + 1))

    assert [(fact["entity"], fact["is_resolved"]) for fact in quarantined(reader)] == [
        ("invoice:in_2", False),
        ("invoice:in_1", True),
    ]


def test_an_invoice_that_was_read_before_or_in_the_other_mode_resolves_nothing(reader: Reader) -> None:
    reader.receive(event(new_invoice("in_1"), created=CREATED - 1), unreadable("in_1"))
    reader.receive(event(new_invoice("in_1"), created=CREATED + 1, livemode=False))

    assert [fact["is_resolved"] for fact in quarantined(reader)] == [False]


def test_the_newest_fact_comes_first_and_a_walk_sees_each_once(reader: Reader) -> None:
    reader.receive(*(unreadable(f"in_{n}") for n in range(5)))

    first = json_of(reader.get("/quarantine", limit=2))
    second = quarantined(reader, limit=2, before=first["data"][-1]["position"])
    third = json_of(reader.get("/quarantine", limit=2, before=second[-1]["position"]))

    positions = [fact["position"] for fact in (*first["data"], *second, *third["data"])]
    assert positions == [6, 5, 4, 3, 2]
    assert (first["has_more"], third["has_more"]) == (True, False)


def test_before_is_a_position(reader: Reader) -> None:
    for before in ("0", "-1", "x", "", str(2**63), "9" * 5000):
        refused = reader.get("/quarantine", before=before)

        assert (refused.status_code, json_of(refused)["errors"][0]["pointer"]) == (422, "/query/before")
    assert quarantined(reader, before=2**63 - 1) == []


def test_nobody_sees_what_another_company_could_not_read(client: FlaskClient, reader: Reader) -> None:
    stranger = Reader.of_new_company(client, reader.engine, "acct_other")
    reader.receive(unreadable("in_1"))

    assert quarantined(stranger) == []
