"""Schedules of exports: added, listed, changed, paused and deleted by editors."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tenants.companies import keep_time_zone
from tests.support.clock import SetClock
from tests.support.company import new_key_headers
from tests.support.web.lines import Reader, json_of
from tests.support.web.people import add_member

BODY = {
    "format": "xlsx",
    "recurs": "monthly",
    "day": 1,
    "hour": 0,
    "time_zone": "Europe/Zurich",
    "view": {"currency": ["USD", "EUR"], "livemode": True, "date_from": "2026-01-01", "columns": "amount,currency"},
    "emails": ["Ada@Example.org"],
}


@pytest.fixture
def editor(client: FlaskClient, engine: Engine) -> Reader:
    reader = Reader.of_new_company(client, engine)
    add_member(engine, reader.company_id, email="ada@example.org")
    return replace(reader, key=new_key_headers(engine, reader.company_id, "editor"))


def send(editor: Reader, method: str, below: str = "", /, body: object = None, **headers: str) -> Any:
    path = editor.path(f"/export-schedules{below}")
    return editor.client.open(path, method=method, json=body, headers={**editor.key, **headers})


def test_a_schedule_is_shown_as_it_was_added_with_when_it_is_due(editor: Reader) -> None:
    answer = send(editor, "POST", body=BODY)

    added = json_of(answer)
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/export-schedules/{added['id']}")
    assert {name: added[name] for name in ("object", "format", "recurs", "day", "hour", "time_zone", "emails")} == {
        "object": "export_schedule",
        **{name: BODY[name] for name in ("format", "recurs", "day", "hour", "time_zone")},
        "emails": ["ada@example.org"],
    }
    assert added["view"] == {
        "sort": "-date",
        "livemode": "true",
        "currency": ["eur", "usd"],
        "date_from": "2026-01-01",
        "columns": "amount,currency",
    }
    assert (added["paused"], added["next_due_at"], added["runs"]) == (False, "2026-03-31T22:00:00Z", [])
    assert json_of(editor.get("/export-schedules"))["data"] == [added]


def test_a_schedule_without_a_time_zone_follows_the_companys_clocks(editor: Reader, engine: Engine) -> None:
    with engine.begin() as connection:
        keep_time_zone(connection, editor.company_id, "Europe/Zurich")

    added = json_of(send(editor, "POST", body={name: value for name, value in BODY.items() if name != "time_zone"}))

    assert (added["time_zone"], added["next_due_at"]) == ("Europe/Zurich", "2026-03-31T22:00:00Z")


def test_a_request_that_is_repeated_under_its_key_adds_one_schedule(editor: Reader) -> None:
    first, again = (send(editor, "POST", body=BODY, **{"Idempotency-Key": "monday"}) for _ in range(2))

    assert json_of(first) == json_of(again)
    assert len(json_of(editor.get("/export-schedules"))["data"]) == 1


@pytest.mark.parametrize("other", [{"format": "csv"}, {"hour": 5}, {"view": {}}, {"emails": []}])
def test_another_schedule_under_a_key_that_was_used_is_refused(editor: Reader, other: dict[str, object]) -> None:
    added = json_of(send(editor, "POST", body=BODY, **{"Idempotency-Key": "monday"}))

    refused = send(editor, "POST", body=BODY | other, **{"Idempotency-Key": "monday"})

    assert (refused.status_code, json_of(refused)["code"]) == (422, "idempotency_key_reused")
    assert json_of(editor.get("/export-schedules"))["data"] == [added]


def test_what_cannot_be_scheduled_is_refused_where_it_is_wrong(editor: Reader) -> None:
    for wrong, pointer in (
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"day": None}, "/day"),
        ({"day": 32}, "/day"),
        ({"recurs": "daily"}, "/day"),
        ({"hour": 24}, "/hour"),
        ({"emails": ["stranger@example.org"]}, "/emails"),
        ({"view": {"as_of": 3}}, "/view/as_of"),
        ({"view": {"columns": "colour"}}, "/view/columns"),
        ({"view": {"sort": "name"}}, "/view/sort"),
    ):
        answer = send(editor, "POST", body=BODY | wrong)

        assert answer.status_code == 422, wrong
        assert [error["pointer"] for error in json_of(answer)["errors"]] == [f"/json{pointer}"]
    assert json_of(editor.get("/export-schedules"))["data"] == []


def test_a_schedule_is_changed_paused_resumed_and_deleted(editor: Reader, clock: SetClock) -> None:
    added = json_of(send(editor, "POST", body=BODY))
    below = f"/{added['id']}"

    daily = json_of(send(editor, "PATCH", below, {"recurs": "daily", "hour": 6, "time_zone": "UTC"}))
    assert (daily["day"], daily["next_due_at"], daily["view"]) == (None, "2026-03-02T06:00:00Z", added["view"])

    paused = json_of(send(editor, "PATCH", below, {"paused": True}))
    assert (paused["paused"], paused["next_due_at"]) == (True, None)
    assert json_of(send(editor, "PATCH", below, {"view": {"q": "Zed"}}))["paused"] is True

    clock.advance(timedelta(days=10))
    resumed = json_of(send(editor, "PATCH", below, {"paused": False}))
    assert (resumed["next_due_at"], resumed["view"]["q"]) == ("2026-03-12T06:00:00Z", "Zed")

    assert send(editor, "DELETE", below).status_code == 204
    assert send(editor, "DELETE", below).status_code == 404
    assert send(editor, "PATCH", below, {"paused": True}).status_code == 404
    assert send(editor, "PATCH", f"/{2**63}", {"paused": True}).status_code == 404


def test_a_schedule_that_no_id_can_name_is_not_there(editor: Reader) -> None:
    for number in (3000, 2**63, 10**30):
        assert send(editor, "PATCH", f"/{number}", {"paused": True}).status_code == 404
        assert send(editor, "DELETE", f"/{number}").status_code == 404


def test_a_company_has_fifty_schedules_at_most(editor: Reader) -> None:
    statuses = {send(editor, "POST", body=BODY).status_code for _ in range(50)}
    refused = send(editor, "POST", body=BODY)

    assert statuses == {201}
    assert (refused.status_code, json_of(refused)["code"]) == (409, "too_many_schedules")
