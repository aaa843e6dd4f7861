"""The history of a line: every event about it, what the event changed and why, or why not; and the original events."""

from hashlib import sha256

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.company import company_with, new_key_headers
from tests.support.payloads import ACCOUNT, CREATED, customer, event, new_invoice, new_line, old_invoice, price
from tests.support.signing import json_bytes
from tests.support.web.lines import Reader, json_of


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def history(reader: Reader, line_id: str = "il_1") -> list[dict]:
    response = reader.get(f"/revenue-lines/{line_id}/history")
    assert response.status_code == 200, response.text
    steps: list[dict] = json_of(response)["data"]
    return steps


def test_a_history_lists_every_event_oldest_first_with_what_it_changed(reader: Reader) -> None:
    reader.receive(
        event(new_invoice("in_1", status="open"), "invoice.finalized"),
        event(new_invoice("in_other", new_line("il_other"), customer="cus_2")),
        event(price(), "price.created"),
        event(new_invoice("in_1", status="paid"), created=CREATED + 5),
        event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60),
    )

    steps = history(reader)

    assert [(step["event"]["position"], step["event"]["type"], step["outcome"]) for step in steps] == [
        (2, "invoice.finalized", "added"),
        (4, "price.created", "modified"),
        (5, "invoice.paid", "modified"),
        (6, "customer.updated", "modified"),
    ]
    added, priced, paid, renamed = steps
    assert added["before"] == {}
    assert (added["after"]["invoice_status"], added["after"]["amount"], added["after"]["date"]) == (
        "open",
        30_000,
        "2026-01-01",
    )
    assert (priced["before"]["cadence"], priced["after"]["cadence"]) == ("unknown", "quarterly")
    assert (paid["before"], paid["after"]) == ({"invoice_status": "open"}, {"invoice_status": "paid"})
    assert "The status went from open to paid." in paid["reasons"]
    assert (renamed["before"], renamed["after"]) == ({"customer_name": "Zed Inc"}, {"customer_name": "Zeta Ltd"})
    assert paid["event"]["api_version"] == "2026-10-28.endive"
    assert paid["event"]["occurred_at"] == "2026-01-01T00:00:05Z"
    assert paid["event"]["id"].startswith("evt_")


def test_what_was_ignored_says_why(reader: Reader) -> None:
    partial = old_invoice("in_1")
    partial["lines"] = {**partial["lines"], "has_more": True}  # type: ignore[dict-item]
    reader.receive(
        event(old_invoice("in_1", status="paid"), created=CREATED + 9),
        event(old_invoice("in_1", status="open", number="LATE"), created=CREATED),
        event(partial | {"status": "paid"}, created=CREATED + 20),
        event(customer("Old Name"), "customer.updated", created=CREATED - 99),
    )

    first, late, part, named = history(reader)

    assert [first["outcome"], late["outcome"], part["outcome"], named["outcome"]] == [
        "added",
        "ignored",
        "ignored",
        "ignored",
    ]
    assert "The status open was ignored: a status never goes back, and it is already paid." in late["reasons"]
    assert "Customer and number were ignored: a newer version of the invoice was already known." in late["reasons"]
    assert "The same lines, as a part of the lines." in part["reasons"]
    assert (
        "The customer's name 'Old Name' was ignored: a newer or more reliable one was already known."
        in named["reasons"]
    )


def test_long_history_says_that_there_is_more_and_pages_give_every_step_once(reader: Reader) -> None:
    renamed = (event(customer(f"Zed {n}"), "customer.updated", created=CREATED + n) for n in range(1, 1003))
    reader.receive(event(new_invoice("in_1", status="open")), *renamed, event(new_invoice("in_1"), created=CREATED + 9))

    newest = json_of(reader.get("/revenue-lines/il_1/history"))
    first = newest["data"][0]["event"]["position"]
    older = json_of(reader.get("/revenue-lines/il_1/history", before=first))

    assert (len(newest["data"]), newest["has_more"], older["has_more"]) == (1000, True, False)
    positions = [step["event"]["position"] for step in (*older["data"], *newest["data"])]
    assert positions == list(range(2, 1006))
    assert (older["data"][0]["outcome"], newest["data"][-1]["outcome"]) == ("added", "modified")
    # What counts depends on facts of an earlier page.
    assert "The status went from open to paid." in newest["data"][-1]["reasons"]
    assert reader.get("/revenue-lines/il_1/history", before=0).status_code == 422


def test_a_line_that_left_the_table_keeps_its_history(reader: Reader) -> None:
    reader.receive(
        event(old_invoice("in_1")),
        event({"id": "in_1", "object": "invoice", "status": "draft"}, "invoice.deleted", created=CREATED + 5),
    )

    added, removed = history(reader)

    assert (added["outcome"], removed["outcome"], removed["after"]) == ("added", "removed", {})
    assert removed["reasons"] == ["The invoice was deleted: its lines left the table for good."]
    assert reader.get("/revenue-lines/il_1").status_code == 404
    assert reader.get("/revenue-lines/il_never/history").status_code == 404
    assert reader.get("/revenue-lines/il_1/history", livemode="false").status_code == 404


def test_an_event_is_returned_as_received_to_those_who_may_see_bodies(reader: Reader, engine: Engine) -> None:
    fact = event(old_invoice("in_1", note="\u00e9 \\u0000"))
    reader.receive(fact)
    editor = new_key_headers(engine, reader.company_id, "editor")

    shown = json_of(reader.ask(reader.path("/events/2"), headers=editor))

    assert shown["payload"].encode() == json_bytes(fact)
    assert shown["payload_sha256"] == sha256(json_bytes(fact)).hexdigest()
    assert (shown["position"], shown["type"], shown["source"], shown["id"]) == (2, "invoice.paid", "stripe", fact["id"])
    assert reader.ask(reader.path("/events/2")).status_code == 403
    assert reader.ask(reader.path("/events/3"), headers=editor).status_code == 404
    assert reader.ask(reader.path(f"/events/{10**30}"), headers=editor).status_code == 404


def test_another_companys_history_and_events_do_not_exist(reader: Reader, engine: Engine) -> None:
    reader.receive(event(old_invoice("in_1")))
    stranger = new_key_headers(engine, company_with(engine, f"{ACCOUNT}_other"), "admin")

    assert reader.ask(reader.path("/events/2"), headers=stranger).status_code == 404
    assert reader.ask(reader.path("/revenue-lines/il_1/history"), headers=stranger).status_code == 404
