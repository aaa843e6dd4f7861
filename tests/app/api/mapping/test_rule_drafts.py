"""The draft of rules: one for each company, saved by whoever has seen it, and never with what cannot be used."""

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.api.mapping.rules import _RulesParser
from tests.support.rules import rule, to
from tests.support.web.admins import Admin, Json
from tests.support.web.desk import Mapper
from tests.support.web.lines import json_of

USD = ("currency", "is", "usd")


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Mapper:
    return Mapper.beside(Admin.of_new_company(app, engine))


def tag_of(editor: Mapper) -> str:
    return editor.send("GET", "/rule-draft").headers["ETag"]


def save(editor: Mapper, *rules: Json, tag: str | None = None) -> TestResponse:
    headers = {**editor.key, "If-Match": tag or tag_of(editor)}
    return editor.send("PUT", "/rule-draft", {"rules": list(rules)}, headers=headers)


def test_draft_is_saved_read_and_discarded(editor: Mapper) -> None:
    stream = editor.add_stream()
    assert editor.get("/rule-draft") == {
        "object": "rule_draft",
        "based_on": 0,
        "rules": [],
        "advice": [],
        "updated_at": None,
        "updated_by": None,
    }

    answer = save(
        editor, rule("rule_a", USD, outcome=to(stream)), {"lookup": {"field": "product_id", "table": {"p": stream}}}
    )

    saved = json_of(answer)
    assert answer.status_code == 200, answer.text
    assert saved["updated_at"] == "2026-03-01T12:00:00Z"
    assert saved["updated_by"] == "api_key:2"
    assert saved["rules"][0]["id"] == "rule_a"
    assert saved["rules"][1]["id"].startswith("rule_")
    read = editor.send("GET", "/rule-draft")
    assert (json_of(read), read.headers["ETag"]) == (saved, answer.headers["ETag"])
    unchanged = editor.send("GET", "/rule-draft", headers={**editor.key, "If-None-Match": answer.headers["ETag"]})
    assert unchanged.status_code == 304
    again = json_of(save(editor, *saved["rules"]))
    assert [one["id"] for one in again["rules"]] == [one["id"] for one in saved["rules"]]

    discarded = editor.send("DELETE", "/rule-draft", headers={**editor.key, "If-Match": tag_of(editor)})
    assert discarded.status_code == 204
    assert editor.get("/rule-draft")["rules"] == []


def test_a7_second_of_two_editors_is_told_that_the_draft_has_changed(editor: Mapper) -> None:
    stream, tag = editor.add_stream(), tag_of(editor)
    first = save(editor, rule("rule_a", outcome=to(stream)), tag=tag)

    second = save(editor, rule("rule_b", outcome=to(stream)), tag=tag)
    assert (second.status_code, json_of(second)["code"]) == (412, "draft_changed")
    assert editor.problem("PUT", "/rule-draft", {"rules": []}) == (428, "precondition_required")
    assert editor.problem("DELETE", "/rule-draft") == (428, "precondition_required")
    stale = editor.send("DELETE", "/rule-draft", headers={**editor.key, "If-Match": tag})
    assert stale.status_code == 412
    assert editor.get("/rule-draft") == json_of(first)
    assert save(editor, rule("rule_b", outcome=to(stream)), tag="*").status_code == 200


def test_what_cannot_be_used_is_refused_with_its_place_and_changes_nothing(editor: Mapper) -> None:
    stream = editor.add_stream()
    kept = json_of(save(editor, rule("rule_a", outcome=to(stream))))

    refused = json_of(save(editor, rule("rule_a", ("colour", "is", "red"), outcome=to(stream)), rule("rule_a")))
    assert (refused["status"], refused["code"]) == (422, "invalid_request")
    assert [fault["pointer"] for fault in refused["errors"]] == ["/json/rules/0/conditions/0/field", "/json/rules/1/id"]
    unknown = json_of(save(editor, rule("rule_b", outcome=to("str_none"))))
    assert unknown["errors"] == [
        {"pointer": "/json/rules/0/outcome/shares/0/stream_id", "detail": "There is no revenue stream “str_none”."}
    ]
    assert json_of(save(editor, rule("rule_b") | {"applies": []}))["errors"][0]["pointer"] == "/json/rules/0/applies"
    headers = {**editor.key, "If-Match": tag_of(editor)}
    assert editor.send("PUT", "/rule-draft", {"rules": {}}, headers=headers).status_code == 422
    assert editor.send("PUT", "/rule-draft", {}, headers=headers).status_code == 422
    assert editor.get("/rule-draft") == kept


def test_large_tables_can_be_saved(editor: Mapper) -> None:
    stream = editor.add_stream()
    table = {f"prod_{number:020d}": stream for number in range(10_000)}

    saved = save(editor, {"id": "rule_table", "lookup": {"field": "product_id", "table": table}})
    assert saved.status_code == 200
    assert json_of(saved)["rules"][0]["lookup"]["table"] == table
    too_large = editor.send("PUT", "/rule-draft", {"rules": ["x" * _RulesParser.MOST_BYTES]})
    assert (too_large.status_code, json_of(too_large)["code"]) == (413, "body_too_large")


def test_advice_says_what_may_be_amiss(editor: Mapper) -> None:
    saved = json_of(save(editor, rule("rule_name", ("product_name", "is", "Pro"), outcome=to(editor.add_stream()))))

    says = "Whoever renames it moves its lines: test product_id instead of product_name."
    assert saved["advice"] == [{"rule_id": "rule_name", "detail": says}]


def test_published_rules_stand_where_no_draft_is(editor: Mapper) -> None:
    stream = editor.add_stream()
    editor.publish([rule("rule_a", outcome=to(stream))], 1, "First")
    editor.publish([rule("rule_b", outcome=to(stream))], 2)

    draft = editor.get("/rule-draft")
    assert (draft["based_on"], [one["id"] for one in draft["rules"]]) == (2, ["rule_b"])
    before = tag_of(editor)
    editor.publish([], 3)
    assert save(editor, tag=before).status_code == 412
    sets = editor.get("/rule-sets", limit=2)
    assert [(one["version"], one["based_on"], one["note"]) for one in sets["data"]] == [(3, 2, None), (2, 1, None)]
    rest = editor.get("/rule-sets", cursor=sets["next_cursor"])
    assert (rest["data"], rest["has_more"]) == ([editor.get("/rule-sets/1")], False)
    first = rest["data"][0]
    assert (first["note"], first["published_by"]) == ("First", "user:1")
    assert [one["id"] for one in first["rules"]] == ["rule_a"]
    assert editor.get("/rule-sets", as_of=first["position"])["data"] == [first]
    assert editor.send("GET", "/rule-sets/4").status_code == 404
    assert editor.send("GET", f"/rule-sets/2?as_of={first['position']}").status_code == 404


def test_viewer_reads_rules_and_saves_none(editor: Mapper) -> None:
    viewer = Mapper.beside(editor, "viewer")

    assert viewer.get("/rule-draft")["rules"] == []
    assert viewer.problem("PUT", "/rule-draft", {"rules": []}) == (403, "forbidden")
