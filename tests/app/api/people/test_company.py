"""A company's name and time zone, and the audit of who did what."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from events.log.append import append
from events.log.own_facts import own_fact
from tests.support.clock import NOON
from tests.support.log import fact
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of
from tests.support.web.people import signed_in


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


def test_name_and_time_zone_are_changed_and_each_change_is_a_fact(admin: Admin) -> None:
    before = admin.get("")

    changed = json_of(admin.send("PATCH", "", {"name": " Zed Inc ", "time_zone": "Europe/Berlin"}))

    assert list(before) == ["object", "id", "name", "time_zone", "requires_second_factor", "created_at"]
    assert before["time_zone"] == "UTC"
    assert changed == before | {"name": "Zed Inc", "time_zone": "Europe/Berlin"} == admin.get("")
    zone, name, *earlier = admin.get("/audit")["data"]
    assert (zone["type"], zone["details"]["time_zone"]) == ("accounting.policy_set", "Europe/Berlin")
    assert (name["type"], name["details"]) == ("access.company_renamed", {"name": "Zed Inc"})
    assert zone["entity"] == name["entity"] == f"company:{admin.company_id}"
    assert json_of(admin.send("PATCH", "", {"name": "Zed Inc", "time_zone": "Europe/Berlin"})) == changed
    assert json_of(admin.send("PATCH", "", {})) == changed
    assert admin.get("/audit")["data"] == [zone, name, *earlier]


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "europe/berlin"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": ""},
        {"name": " "},
        {"name": "a\nb"},
        {"id": 7},
    ],
)
def test_what_a_company_cannot_be_called_or_live_in_is_refused(admin: Admin, body: dict[str, str]) -> None:
    assert admin.problem("PATCH", "", body) == (422, "invalid_request")
    assert len(admin.get("/audit")["data"]) == 1


def test_the_audit_names_who_did_what_newest_first_and_leaves_out_what_nobody_did(
    app: Flask, admin: Admin, engine: Engine
) -> None:
    ada = signed_in(app, engine, admin.company_id, "admin")
    ada.send(f"/v1/companies/{admin.company_id}/invitations", json={"email": "bob@example.org", "role": "viewer"})
    long = own_fact("mapping.rules_published", {"rules": ["x" * 5_000]}, entity="rules:1", now=NOON, actor="user:1")
    other = own_fact("projection.skipped", {}, entity=None, now=NOON, actor="operator")
    with engine.begin() as connection:
        append(connection, admin.company_id, [fact("evt_1"), long, other, fact("evt_2")])

    entries = admin.get("/audit")["data"]
    first = admin.get("/audit", limit=2)
    second = admin.get("/audit", limit=2, cursor=first["next_cursor"])

    assert [one["type"] for one in entries] == [
        *("mapping.rules_published", "access.invitation_created", "access.member_added", "connection.authorized")
    ]
    assert first["data"] + second["data"] == entries
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert entries[1] | {"position": 0, "recorded_at": ""} == {
        "object": "audit_entry",
        "position": 0,
        "type": "access.invitation_created",
        "actor": "user:1",
        "actor_name": "ada@example.org",
        "entity": "invitation:1",
        "entity_name": "bob@example.org",
        "details": {"role": "viewer"},
        "recorded_at": "",
    }
    assert entries[0]["details"] is None
    body = json_of(admin.send("GET", f"/events/{entries[0]['position']}"))["payload"]
    assert len(body) > 5_000
