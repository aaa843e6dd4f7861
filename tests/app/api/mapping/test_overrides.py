"""Overrides over the API: of a line, of a subscription, and of all lines of a filter, and how a batch is undone."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from events.log.read import read_events
from mapping import overrides
from projections.mapping.decisions import payloads
from projections.mapping.decisions.facts import FACT_TYPES, read_fact
from projections.mapping.decisions.payloads import LineKey, LinesOverridden, LinesReleased
from tests.support.company import catch_up
from tests.support.payloads import new_line
from tests.support.rules import to
from tests.support.web.admins import Admin, Json
from tests.support.web.desk import Mapper
from tests.support.web.lines import json_of


@pytest.fixture
def editor(app: Flask, engine: Engine) -> Mapper:
    mapper = Mapper.beside(Admin.of_new_company(app, engine))
    mapper.add_lines(new_line("il_1", amount=1000), new_line("il_2", amount=500), invoice_id="in_1")
    mapper.add_lines(new_line("il_3", amount=70, currency="eur"), invoice_id="in_2", currency="eur")
    return mapper


def facts(editor: Mapper) -> list[Any]:
    """Return the facts of mapping in the company's log but for streams, in order."""
    with editor.engine.begin() as connection:
        events = read_events(connection, editor.company_id, after=0, limit=500)
    return [
        read_fact(one.type, one.payload) for one in events if one.type in FACT_TYPES and one.entity != "mapping:streams"
    ]


def in_force(editor: Mapper) -> dict[str, str]:
    """Return the streams to which lines are overridden, by line."""
    held: dict[str, str] = {}
    for fact in facts(editor):
        for line in fact.lines:
            if isinstance(fact, LinesReleased):
                del held[line.invoice_line_item_id]
            else:
                held[line.invoice_line_item_id] = fact.shares()[0].stream_id
    return held


def choose(editor: Mapper, outcome: Json, *, key: str | None = None, **more: Any) -> Json:
    headers = {**editor.key, **({"Idempotency-Key": key} if key else {})}
    answer = editor.send("POST", "/mapping-overrides", {"outcome": outcome, **more}, headers=headers)
    assert answer.status_code == (200 if more.get("dry_run") else 201), answer.text
    return json_of(answer)


def key(line_id: str, invoice_id: str = "in_1") -> LineKey:
    return LineKey(True, invoice_id, line_id)  # noqa: FBT003


def test_line_is_overridden_and_released(editor: Mapper) -> None:
    outcome = to(editor.add_stream())
    shown = json_of(editor.send("PUT", "/revenue-lines/il_1/mapping", {"outcome": outcome, "reason": "Late"}))

    assert shown == {
        "object": "mapping_override",
        "livemode": True,
        "invoice_id": "in_1",
        "invoice_line_item_id": "il_1",
        "outcome": outcome,
        "reason": "Late",
        "batch_id": shown["batch_id"],
    }
    assert facts(editor) == [LinesOverridden(shown["batch_id"], (key("il_1"),), outcome, "Late")]
    again = editor.send("PUT", "/revenue-lines/il_1/mapping", {"outcome": outcome, "reason": "Late"})
    assert (json_of(again), len(facts(editor))) == (shown, 1)
    assert editor.send("DELETE", "/revenue-lines/il_1/mapping").status_code == 204
    assert isinstance(facts(editor)[-1], LinesReleased)
    assert facts(editor)[-1].lines == (key("il_1"),)
    assert editor.send("DELETE", "/revenue-lines/il_1/mapping").status_code == 204
    assert len(facts(editor)) == 2
    assert editor.send("DELETE", "/revenue-lines/il_9/mapping").status_code == 404
    assert editor.send("PUT", "/revenue-lines/il_9/mapping", {"outcome": outcome}).status_code == 404
    assert editor.send("PUT", "/revenue-lines/il_1/mapping?livemode=false", {"outcome": outcome}).status_code == 404


def test_subscription_is_overridden_and_released(editor: Mapper) -> None:
    outcome, path = to(editor.add_stream()), "/subscriptions/sub_1/mapping"
    shown = json_of(editor.send("PUT", path, {"outcome": outcome}))

    assert shown == {
        "object": "mapping_override",
        "livemode": True,
        "subscription_id": "sub_1",
        "outcome": outcome,
        "reason": None,
    }
    assert json_of(editor.send("PUT", path, {"outcome": outcome})) == shown
    assert [editor.send("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert [type(fact).__name__ for fact in facts(editor)] == ["SubscriptionOverridden", "SubscriptionReleased"]
    assert editor.send("PUT", "/subscriptions/sub_9/mapping", {"outcome": outcome}).status_code == 404
    assert editor.send("PUT", f"{path}?livemode=false", {"outcome": outcome}).status_code == 404


def test_lines_of_a_filter_are_overridden_as_one_batch(editor: Mapper, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = to(editor.add_stream())
    tried = choose(editor, outcome, filter={"currency": "usd"}, dry_run=True)
    assert tried == {
        "object": "override_batch",
        "id": None,
        "lines": 2,
        "money": [{"currency": "usd", "net_amount": 1500}],
    }
    assert facts(editor) == []

    done = choose(editor, outcome, filter={"currency": ["usd"]}, reason="Moved", key="one")
    assert done == {**tried, "id": done["id"]}
    assert facts(editor) == [LinesOverridden(done["id"], (key("il_1"), key("il_2")), outcome, "Moved")]
    assert choose(editor, outcome, filter={}, reason="Moved", key="one") == done
    other = {"outcome": to(editor.add_stream("Fees")), "filter": {}, "reason": "Moved"}
    reused = editor.send("POST", "/mapping-overrides", other, headers={**editor.key, "Idempotency-Key": "one"})
    assert (reused.status_code, json_of(reused)["code"]) == (422, "idempotency_key_reused")
    assert len(facts(editor)) == 1

    monkeypatch.setattr(overrides, "MAX_LINES", 2)
    everything = choose(editor, outcome, filter={}, key="all")
    assert everything["money"] == [{"currency": "eur", "net_amount": 70}, {"currency": "usd", "net_amount": 1500}]
    assert [len(fact.lines) for fact in facts(editor)[1:]] == [2, 1]
    assert {fact.batch_id for fact in facts(editor)[1:]} == {everything["id"]}
    assert choose(editor, outcome, filter={}, key="all") == everything


def test_undo_puts_back_what_was_in_force_before(editor: Mapper) -> None:
    saas, fees = editor.add_stream(), editor.add_stream("Fees")
    editor.send("PUT", "/revenue-lines/il_1/mapping", {"outcome": to(saas), "reason": "First"})
    batch = choose(editor, to(fees), filter={})["id"]
    assert in_force(editor) == {"il_1": fees, "il_2": fees, "il_3": fees}

    assert editor.send("DELETE", f"/mapping-overrides/{batch}").status_code == 204
    assert in_force(editor) == {"il_1": saas}
    undone = facts(editor)[-2:]
    assert {fact.undoes for fact in undone} == {7}
    assert undone[1].reason == "First"
    refused = json_of(editor.send("DELETE", f"/mapping-overrides/{batch}"))
    assert (refused["status"], refused["code"]) == (409, "later_overrides")
    assert refused["positions"] == [8, 9]
    assert editor.send("DELETE", f"/mapping-overrides/{undone[0].batch_id}").status_code == 204
    assert in_force(editor) == {"il_1": fees, "il_2": fees, "il_3": fees}
    assert editor.send("DELETE", "/mapping-overrides/ovr_none").status_code == 404


def test_undo_names_what_was_chosen_since_for_the_same_lines(editor: Mapper) -> None:
    saas = to(editor.add_stream())
    first = choose(editor, saas, filter={"invoice_id": "in_1"})["id"]
    second = choose(editor, saas, filter={"invoice_id": "in_2"})["id"]
    editor.send("DELETE", "/revenue-lines/il_2/mapping")

    assert editor.problem("DELETE", f"/mapping-overrides/{first}") == (409, "later_overrides")
    assert editor.send("DELETE", f"/mapping-overrides/{second}").status_code == 204


def test_what_cannot_be_an_override_is_refused_with_its_place(editor: Mapper) -> None:
    saas, fees = editor.add_stream(), editor.add_stream("Fees")
    plans = json_of(editor.send("POST", f"/streams/{saas}/plans", {"name": "Pro"}))["plans"]
    editor.send("PATCH", f"/streams/{fees}", {"archived": True})
    editor.send("PATCH", f"/streams/{saas}/plans/{plans[0]['id']}", {"archived": True})
    to_plan = {"shares": [{"bp": 10_000, "stream_id": saas, "plan_id": plans[0]["id"]}]}
    line = "/revenue-lines/il_1/mapping"
    for method, path, body, pointer in (
        ("PUT", line, {}, "/json/outcome"),
        ("PUT", line, {"outcome": {"shares": []}}, "/json/outcome/shares"),
        ("PUT", line, {"outcome": to("str_none")}, "/json/outcome/shares/0/stream_id"),
        ("PUT", line, {"outcome": to(fees)}, "/json/outcome/shares/0/stream_id"),
        ("PUT", line, {"outcome": to_plan}, "/json/outcome/shares/0/plan_id"),
        ("PUT", line, {"outcome": to(saas), "reason": "x" * 501}, "/json/reason"),
        ("PUT", f"{line}?as_of=1", {"outcome": to(saas)}, "/query/as_of"),
        ("PUT", "/subscriptions/sub_1/mapping", {"outcome": to(fees)}, "/json/outcome/shares/0/stream_id"),
        ("POST", "/mapping-overrides", {"outcome": to(saas)}, "/json/filter"),
        ("POST", "/mapping-overrides", {"outcome": to(saas), "filter": {"colour": "red"}}, "/json/filter/colour"),
        ("POST", "/mapping-overrides", {"outcome": to(saas), "filter": {"as_of": "1"}}, "/json/filter/as_of"),
        ("POST", "/mapping-overrides", {"outcome": to(saas), "filter": {"customer_id": "cus_9"}}, "/json/filter"),
        ("POST", "/mapping-overrides", {"outcome": to(fees), "filter": {}}, "/json/outcome/shares/0/stream_id"),
        ("POST", "/mapping-overrides", {"outcome": to(saas), "filter": {}, "dry_run": "yes"}, "/json/dry_run"),
    ):  # fmt: skip
        refused = json_of(editor.send(method, path, body))
        assert (refused["status"], refused["errors"][0]["pointer"]) == (422, pointer), (path, body)
    assert facts(editor) == []


def test_lines_are_chosen_by_what_they_are_mapped_to(editor: Mapper) -> None:
    saas = editor.add_stream()
    editor.send("PUT", "/revenue-lines/il_1/mapping", {"outcome": to(saas)})
    catch_up(editor.engine)

    assert choose(editor, to(saas), filter={"mapped": False}, dry_run=True)["lines"] == 2
    assert choose(editor, to(saas), filter={"stream_id": [saas]}, dry_run=True)["lines"] == 1
    assert (
        choose(editor, to(saas), filter={"layer": ["line_override"], "currency": ["eur"]}, dry_run=True)["lines"] == 0
    )


def test_more_lines_than_a_batch_may_have_are_refused(editor: Mapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides, "MOST_LINES", 2)
    body = {"outcome": to(editor.add_stream()), "filter": {}}

    assert editor.problem("POST", "/mapping-overrides", body) == (422, "invalid_request")
    assert payloads.MAX_LINES == 5_000
