"""Streams and plans over the API: added, renamed, archived, and read as they were at any position."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from tests.support.company import new_key_headers
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of

MONTHS = {"kind": "months", "n": 12, "from": "period_start"}


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Admin:
    admin = Admin.of_new_company(app, engine)
    return Admin(admin.client, engine, admin.company_id, new_key_headers(engine, admin.company_id, "editor"))


def add(editor: Admin, name: str = "SaaS", **more: Any) -> dict[str, Any]:
    answer = editor.send("POST", "/streams", {"name": name, **more})
    assert answer.status_code == 201, answer.text
    return json_of(answer)


def change(editor: Admin, below: str, **changes: Any) -> dict[str, Any]:
    answer = editor.send("PATCH", f"/streams/{below}", changes)
    assert answer.status_code == 200, answer.text
    return json_of(answer)


def test_streams_and_plans_are_added_changed_and_read_as_they_were(editor: Admin) -> None:
    assert editor.get("/streams")["data"] == []
    saas = add(editor, " SaaS ", code="4000", default_treatment=MONTHS)
    assert saas == {
        "object": "revenue_stream",
        "id": saas["id"],
        "name": "SaaS",
        "code": "4000",
        "archived": False,
        "default_treatment": MONTHS,
        "plans": [],
    }
    assert saas["id"].startswith("str_")
    before = editor.get("/streams")
    with_plan = json_of(editor.send("POST", f"/streams/{saas['id']}/plans", {"name": "Pro"}))
    (plan,) = with_plan["plans"]
    assert plan == {"id": plan["id"], "name": "Pro", "archived": False}
    assert plan["id"].startswith("pln_")

    renamed = change(editor, saas["id"], name="Software", code=None, default_treatment=None)
    assert renamed == {**with_plan, "name": "Software", "code": None, "default_treatment": None}
    below = f"{saas['id']}/plans/{plan['id']}"
    assert change(editor, below, name="Pro+", archived=True)["plans"] == [
        {"id": plan["id"], "name": "Pro+", "archived": True}
    ]
    assert change(editor, saas["id"], archived=True)["archived"]
    assert not change(editor, saas["id"], archived=False)["archived"]

    assert editor.get("/streams")["data"] == [
        {**renamed, "plans": [{"id": plan["id"], "name": "Pro+", "archived": True}]}
    ]
    assert editor.get("/streams", as_of=before["position"]) == before
    assert editor.send("GET", "/streams?as_of=999").status_code == 422
    assert [entity for _, entity, _ in editor.acts()][:7] == ["mapping:streams"] * 7
    assert [kind.removeprefix("mapping.") for kind, _, _ in editor.acts()][:7] == [
        "stream_restored",
        "stream_archived",
        "plan_archived",
        "plan_changed",
        "stream_changed",
        "plan_created",
        "stream_created",
    ]


def test_what_changes_nothing_is_no_fact(editor: Admin) -> None:
    saas = add(editor)
    before = editor.get("/streams")

    assert change(editor, saas["id"], name="SaaS", archived=False) == saas
    assert editor.get("/streams") == before


def test_names_are_taken_whatever_their_case_and_width(editor: Admin) -> None:
    saas, fees = add(editor, "SaaS  Plans"), add(editor, "Fees")
    editor.send("POST", f"/streams/{fees['id']}/plans", {"name": "Pro"})
    other = json_of(editor.send("POST", f"/streams/{fees['id']}/plans", {"name": "Basic"}))["plans"][1]["id"]

    assert editor.problem("POST", "/streams", {"name": "ｓａａｓ plans"}) == (409, "name_taken")
    assert editor.problem("PATCH", f"/streams/{fees['id']}", {"name": "saas plans"}) == (409, "name_taken")
    assert editor.problem("POST", f"/streams/{fees['id']}/plans", {"name": "PRO"}) == (409, "name_taken")
    assert editor.problem("PATCH", f"/streams/{fees['id']}/plans/{other}", {"name": "pro"}) == (409, "name_taken")
    assert change(editor, saas["id"], name="SAAS plans")["name"] == "SAAS plans"
    assert editor.send("POST", f"/streams/{saas['id']}/plans", {"name": "Pro"}).status_code == 201


def test_repeated_request_adds_one_stream(editor: Admin) -> None:
    headers = {**editor.key, "Idempotency-Key": "march"}
    first = editor.send("POST", "/streams", {"name": "SaaS"}, headers=headers)
    again = editor.send("POST", "/streams", {"name": "SaaS"}, headers=headers)
    other = editor.send("POST", "/streams", {"name": "Fees"}, headers=headers)
    below = f"/streams/{json_of(first)['id']}/plans"
    plans = [editor.send("POST", below, {"name": "Pro"}, headers=headers) for _ in range(2)]

    assert (first.status_code, json_of(again)) == (201, json_of(first))
    assert (other.status_code, json_of(other)["code"]) == (422, "idempotency_key_reused")
    assert json_of(plans[0]) == json_of(plans[1])
    assert len(editor.get("/streams")["data"]) == 1


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({}, "/json/name"),
    ({"name": " "}, "/json/name"),
    ({"name": "x" * 101}, "/json/name"),
    ({"name": "a\nb"}, "/json/name"),
    ({"name": "A", "colour": "red"}, "/json/colour"),
    ({"name": "A", "default_treatment": {"kind": "monthly"}}, "/json/default_treatment/kind"),
    ({"name": "A", "default_treatment": {"kind": "months"}}, "/json/default_treatment/n"),
    ({"name": "A", "default_treatment": "period"}, "/json/default_treatment"),
]


def test_what_cannot_be_a_stream_is_refused_with_its_place(editor: Admin) -> None:
    for body, pointer in UNUSABLE:
        refused = json_of(editor.send("POST", "/streams", body))
        assert (refused["status"], refused["errors"][0]["pointer"]) == (422, pointer), body
    assert editor.get("/streams")["data"] == []


def test_unknown_streams_and_plans_are_not_found(editor: Admin) -> None:
    saas = add(editor)
    for method, below in (
        ("PATCH", "/streams/str_none"),
        ("POST", "/streams/str_none/plans"),
        ("PATCH", f"/streams/{saas['id']}/plans/pln_none"),
        ("PATCH", "/streams/%00"),
    ):
        assert editor.problem(method, below, {"name": "A"}) == (404, "not_found"), below


def test_viewer_reads_streams_and_changes_none(editor: Admin, engine: Engine) -> None:
    viewer = Admin(editor.client, engine, editor.company_id, new_key_headers(engine, editor.company_id, "viewer"))

    assert viewer.get("/streams")["data"] == []
    assert viewer.problem("POST", "/streams", {"name": "SaaS"}) == (403, "forbidden")


def test_malformed_fact_counts_for_nothing(editor: Admin, engine: Engine) -> None:
    saas = add(editor)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE event SET type = 'mapping.plan_created' WHERE entity = 'mapping:streams'"))

    assert editor.get("/streams")["data"] == []
    assert editor.problem("PATCH", f"/streams/{saas['id']}", {"name": "A"}) == (404, "not_found")
