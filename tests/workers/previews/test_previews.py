"""Previews: what rules would change, evaluated by a worker, published as shown, and rebased on what came since."""

from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from sqlalchemy import Engine, text

from app.wiring.tools import Tools as WebTools
from backlog.jobs import PREVIEW
from mapping import publishing
from mapping.preview_turns import MOST_ATTEMPTS, claim_turn
from notices.causes import open_notices
from tests.support.billing import billed
from tests.support.company import catch_up, record_events
from tests.support.recognition import Case
from tests.support.rules import rule, to
from tests.support.web.admins import Admin, Json
from tests.support.web.desk import Mapper
from tests.support.web.lines import json_of
from tests.support.web.tools import app_with
from workers.clock_process import sweep
from workers.previews.jobs import preview_with
from workers.wiring.tools import Tools

G1 = Case("31.00", "2026-01-15", "2026-02-15")
G9 = Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01")

_ENDPOINT = text("""
    INSERT INTO webhook_endpoint (company_id, url, types, created_at)
    VALUES (:id, 'https://programs.test', '{rules.published}', now())
""")


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Mapper:
    """Return an admin of a company with G9 in dollars, and G1 in dollars and in euros."""
    admin = Admin.of_new_company(app, engine)
    for case, line_id, currency in ((G9, "il_1", "usd"), (G1, "il_2", "usd"), (G1, "il_3", "eur")):
        record_events(engine, *billed(case, line_id, currency=currency))
    catch_up(engine)
    return Mapper(admin.client, engine, admin.company_id, admin.key)


def draft(admin: Mapper, *rules: Json) -> None:
    tag = admin.send("GET", "/rule-draft").headers["ETag"]
    saved = admin.send("PUT", "/rule-draft", {"rules": list(rules)}, headers={**admin.key, "If-Match": tag})
    assert saved.status_code == 200, saved.text


def asked(admin: Mapper, below: str = "/rule-draft/previews", **headers: str) -> Json:
    answer = admin.send("POST", below, {}, headers={**admin.key, **headers})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/companies/{admin.company_id}/rule-previews/{json_of(answer)['id']}"
    return json_of(answer)


def previewed(admin: Mapper, tools: Tools, below: str = "/rule-draft/previews") -> Json:
    preview_id = asked(admin, below)["id"]
    preview_with(tools)
    return admin.get(f"/rule-previews/{preview_id}")


def published(admin: Mapper, tools: Tools, preview: Json, **body: Any) -> Json:
    answer = admin.send("POST", f"/rule-previews/{preview['id']}/publish", body)
    assert answer.status_code == 202, answer.text
    catch_up(admin.engine)
    assert preview_with(tools) == 1
    catch_up(admin.engine)
    return admin.get(f"/rule-previews/{preview['id']}")


def recognized(admin: Mapper, **query: Any) -> dict[tuple[str, str | None, str], int]:
    """Return what is recognized now, by month, stream and currency."""
    cells = admin.get("/reports/recognition", by="stream", to="2027-12", **query)["data"]
    return {(one["month"], one["stream_id"], one["currency"]): one["net"] for one in cells if one["net"]}


def cells(preview: Json, which: str, kind: str = "cells") -> dict[tuple[str, str | None, str], int]:
    return {(one["month"], one["stream_id"], one["currency"]): one[which] for one in preview[kind] if one[which]}


def test_a5_preview_says_what_publishing_then_does(admin: Mapper, tools: Tools) -> None:
    saas, before = admin.add_stream(), recognized(admin)
    draft(
        admin,
        rule("rule_usd", ("currency", "is", "usd"), outcome=to(saas)),
        rule("rule_chf", ("currency", "is", "chf"), outcome=to(saas)),
    )

    waiting = asked(admin)
    assert (waiting["status"], waiting["cells"], waiting["published"]) == ("queued", [], None)
    assert preview_with(tools) == 1
    preview = admin.get(f"/rule-previews/{waiting['id']}")

    assert (preview["status"], preview["lines_done"], preview["lines_total"]) == ("ready", 3, 3)
    assert cells(preview, "before") == before
    after = cells(preview, "after")
    assert {key[1] for key in after if key[2] == "usd"} == {saas}
    assert {key[1] for key in after if key[2] == "eur"} == {None}
    for month in {key[0] for key in before}:
        moved = sum(one["after"] - one["before"] for one in preview["cells"] if one["month"] == month)
        assert moved == 0
    assert preview["lines"] == {"newly_mapped": 2, "moved": 0, "unmapped": 0, "resplit": 0, "retreated": 0}
    assert [(one["invoice_line_item_id"], one["net_amount"], one["change"]) for one in preview["top_lines"]] == [
        ("il_1", 9000, "newly_mapped"),
        ("il_2", 3100, "newly_mapped"),
    ]
    assert recognized(admin) == before

    done = published(admin, tools, preview, note="First")
    assert done["status"] == "published"
    assert {**done["published"], "position": 0} == {"version": 1, "position": 0, "rebased": False, "since": []}
    assert recognized(admin) == after
    newest = admin.get("/rule-sets")["data"][0]
    assert (newest["version"], newest["note"], newest["position"]) == (1, "First", done["published"]["position"])
    current = admin.get("/rule-draft")
    assert (current["updated_at"], current["based_on"]) == (None, 1)


def test_programs_are_told_by_webhook_that_rules_were_published(admin: Mapper, tools: Tools) -> None:
    with admin.engine.begin() as connection:
        connection.execute(_ENDPOINT, {"id": admin.company_id})
    done = published(admin, tools, previewed(admin, tools), note="First")

    with admin.engine.connect() as connection:
        (told,) = connection.execute(text("SELECT data FROM webhook_delivery")).scalars()
    assert told == {
        "version": 1,
        "position": done["published"]["position"],
        "rebased": False,
        "note": "First",
        "published_by": "api_key:1",
    }


def test_a3_rules_are_told_what_they_match_and_what_stands_in_their_way(admin: Mapper, tools: Tools) -> None:
    saas = to(admin.add_stream())
    draft(
        admin,
        rule("rule_usd", ("currency", "is", "usd"), outcome=saas),
        rule("rule_large", ("net_amount", "gt", 5000), outcome=saas),
        rule("rule_chf", ("currency", "is", "chf"), outcome=saas),
        rule("rule_all", outcome=saas),
    )

    effects = previewed(admin, tools)["rules"]
    assert [tuple(one.values()) for one in effects] == [
        ("rule_usd", 2, 2, None, False),
        ("rule_large", 1, 0, "rule_usd", False),
        ("rule_chf", 0, 0, None, True),
        ("rule_all", 3, 1, None, False),
    ]


def test_kinds_of_changes_are_told_apart(admin: Mapper, tools: Tools) -> None:
    one, other = admin.add_stream(), admin.add_stream("Fees")
    booked = {"shares": [{"bp": 10_000, "stream_id": one, "treatment": {"kind": "booked"}}]}
    shares = [{"bp": 4000, "stream_id": one}, {"bp": 6000, "stream_id": other}]
    half = {"shares": [{**share, "bp": 5000} for share in shares]}
    lines = [("invoice_line_item_id", "is", f"il_{number}") for number in (1, 2, 3)]
    admin.publish(
        [rule(f"rule_{n}", lines[n], outcome=out) for n, out in enumerate((to(one), {"shares": shares}, to(one)))]
    )
    catch_up(admin.engine)

    draft(admin, rule("rule_a", lines[0], outcome=booked), rule("rule_b", lines[1], outcome=half))
    assert previewed(admin, tools)["lines"] == {
        "newly_mapped": 0,
        "moved": 0,
        "unmapped": 1,
        "resplit": 1,
        "retreated": 1,
    }
    draft(admin, rule("rule_a", outcome=to(other)))
    assert previewed(admin, tools)["lines"]["moved"] == 3


@pytest.mark.parametrize("few_lines", [0, 20_000])
def test_a6_what_came_since_is_evaluated_too_and_named(
    admin: Mapper, tools: Tools, monkeypatch: pytest.MonkeyPatch, few_lines: int
) -> None:
    monkeypatch.setattr(publishing, "_FEW_LINES", few_lines)
    saas = admin.add_stream()
    draft(admin, rule("rule_all", outcome=to(saas)))
    preview = previewed(admin, tools)
    record_events(admin.engine, *billed(G1, "il_4"))
    catch_up(admin.engine)

    done = published(admin, tools, preview)

    assert done["published"]["rebased"]
    assert cells(done["published"], "before", "since") == {
        ("2026-01", None, "usd"): 1700,
        ("2026-02", None, "usd"): 1400,
    }
    assert cells(done["published"], "after", "since") == {
        ("2026-01", saas, "usd"): 1700,
        ("2026-02", saas, "usd"): 1400,
    }
    together = {key: cells(done, "after").get(key, 0) for key in recognized(admin)}
    for key, amount in cells(done["published"], "after", "since").items():
        together[key] += amount
    assert recognized(admin) == together


def test_another_publish_makes_a_preview_stale(admin: Mapper, tools: Tools) -> None:
    saas = to(admin.add_stream())
    draft(admin, rule("rule_all", outcome=saas))
    ready, path = previewed(admin, tools), "/rule-previews"
    admin.publish([rule("rule_other", outcome=saas)])
    catch_up(admin.engine)

    assert admin.get(f"{path}/{ready['id']}")["status"] == "stale"
    assert admin.problem("POST", f"{path}/{ready['id']}/publish", {}) == (409, "preview_stale")
    behind = asked(admin)
    admin.publish([rule("rule_other", outcome=saas)], version=2)
    catch_up(admin.engine)
    preview_with(tools)
    assert admin.get(f"{path}/{behind['id']}")["status"] == "stale"
    late = previewed(admin, tools)
    assert admin.send("POST", f"{path}/{late['id']}/publish", {}).status_code == 202
    admin.publish([], version=3)
    preview_with(tools)
    assert admin.get(f"{path}/{late['id']}")["status"] == "stale"
    assert [one["version"] for one in admin.get("/rule-sets")["data"]] == [3, 2, 1]


def test_a8_revert_brings_back_what_was(admin: Mapper, tools: Tools) -> None:
    saas, fees = admin.add_stream(), admin.add_stream("Fees")
    draft(admin, rule("rule_all", outcome=to(saas)))
    published(admin, tools, previewed(admin, tools))
    first = recognized(admin)
    draft(admin, rule("rule_all", outcome=to(fees)))
    published(admin, tools, previewed(admin, tools))
    assert recognized(admin) != first

    back = previewed(admin, tools, "/rule-sets/1/revert")
    assert (back["reverts_to"], back["based_on"]) == (1, 2)
    done = published(admin, tools, back, note="Back")

    assert (done["published"]["version"], recognized(admin)) == (3, first)
    assert admin.get("/rule-sets/3")["rules"] == admin.get("/rule-sets/1")["rules"]
    assert admin.problem("POST", "/rule-sets/9/revert") == (404, "not_found")


def end_leases(admin: Mapper) -> None:
    with admin.engine.begin() as connection:
        connection.execute(text("UPDATE mapping_preview SET leased_until = clock_timestamp() - interval '1 second'"))


def test_preview_waits_for_a_table_that_is_behind_and_keeps_no_other_waiting(
    app: Flask, admin: Mapper, tools: Tools
) -> None:
    other = Mapper.of_new_company(app, admin.engine, "acct_other")
    catch_up(admin.engine)
    saas = to(admin.add_stream())
    draft(admin, rule("rule_all", outcome=saas))
    preview = previewed(admin, tools)
    assert admin.send("POST", f"/rule-previews/{preview['id']}/publish", {}).status_code == 202
    record_events(admin.engine, *billed(G1, "il_4"))

    assert preview_with(tools) == 0
    assert admin.get(f"/rule-previews/{preview['id']}")["status"] == "publishing"
    end_leases(admin)
    assert previewed(other, tools)["status"] == "ready"
    catch_up(admin.engine)
    end_leases(admin)
    assert preview_with(tools) == 1
    assert admin.get(f"/rule-previews/{preview['id']}")["published"]["rebased"]


def test_preview_is_canceled_by_people_and_by_the_next_one(admin: Mapper, tools: Tools) -> None:
    first = asked(admin)
    second = asked(admin)
    assert admin.get(f"/rule-previews/{first['id']}")["status"] == "canceled"
    canceled = [json_of(admin.send("POST", f"/rule-previews/{second['id']}/cancel")) for _ in range(2)]
    assert [one["status"] for one in canceled] == ["canceled", "canceled"]
    assert preview_with(tools) == 0
    assert admin.problem("POST", f"/rule-previews/{second['id']}/publish", {}) == (409, "preview_not_ready")
    third = previewed(admin, tools)
    assert json_of(admin.send("POST", f"/rule-previews/{third['id']}/cancel"))["status"] == "ready"
    for missing in ("999", str(2**63)):
        assert admin.send("GET", f"/rule-previews/{missing}").status_code == 404


def test_repeated_request_asks_for_one_preview(admin: Mapper) -> None:
    key = {"Idempotency-Key": "march"}
    first = asked(admin, **key)

    assert asked(admin, **key)["id"] == first["id"]
    draft(admin, rule("rule_all", outcome=to(admin.add_stream())))
    reused = admin.send("POST", "/rule-draft/previews", {}, headers={**admin.key, **key})
    assert (reused.status_code, json_of(reused)["code"]) == (422, "idempotency_key_reused")


def test_whoever_lost_a_turn_changes_nothing_and_a_preview_that_always_fails_is_given_up(
    admin: Mapper, tools: Tools, engine: Engine
) -> None:
    preview_id = asked(admin)["id"]
    for _ in range(MOST_ATTEMPTS):
        turn = claim_turn(engine)
        assert turn is not None
        assert turn.id == preview_id
        assert claim_turn(engine) is None
        end_leases(admin)
    preview_with(tools)

    given_up = admin.get(f"/rule-previews/{preview_id}")
    assert given_up["status"] == "failed"
    assert "Try again" in given_up["failure"]


def test_worker_that_stops_leaves_the_preview_to_another(admin: Mapper, tools: Tools) -> None:
    preview_id, stopping = asked(admin)["id"], _StopsAfter(2)

    assert preview_with(replace(tools, stopping=stopping)) == 0
    assert admin.get(f"/rule-previews/{preview_id}")["status"] == "running"
    end_leases(admin)
    assert preview_with(tools) == 1
    assert admin.get(f"/rule-previews/{preview_id}")["status"] == "ready"


class _StopsAfter(Event):
    """An event that is set once it was asked so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def is_set(self) -> bool:
        self._left -= 1
        return self._left <= 0


def test_whoever_asks_wakes_a_worker_and_else_the_clock_does(
    admin: Mapper, tools: Tools, web_tools: WebTools, redis: Redis
) -> None:
    woken: list[str] = []
    client = app_with(replace(web_tools, wake_preview=lambda: woken.append(PREVIEW))).test_client()
    asked(Mapper(client, admin.engine, admin.company_id, admin.key))
    assert woken == [PREVIEW]

    sweep(tools, is_long=False)
    assert Queue(PREVIEW, connection=redis).count == 1
    preview_with(tools)
    redis.flushall()
    sweep(tools, is_long=False)
    assert Queue(PREVIEW, connection=redis).count == 0


def test_roles_that_may_not_are_refused(admin: Mapper, tools: Tools) -> None:
    preview = previewed(admin, tools)
    editor, viewer = Mapper.beside(admin), Mapper.beside(admin, "viewer")

    assert editor.problem("POST", f"/rule-previews/{preview['id']}/publish", {}) == (403, "forbidden")
    assert editor.problem("POST", "/rule-sets/1/revert") == (403, "forbidden")
    assert viewer.problem("POST", "/rule-draft/previews") == (403, "forbidden")
    assert viewer.get(f"/rule-previews/{preview['id']}")["status"] == "ready"


def test_a_notice_of_an_archived_stream_is_over_once_rules_lead_elsewhere(admin: Mapper, tools: Tools) -> None:
    def told() -> list[str]:
        with admin.engine.connect() as connection:
            return [row.cause for row in open_notices(connection, admin.company_id)]

    saas, fees = admin.add_stream(), admin.add_stream("Fees")
    draft(admin, rule("rule_1", ("currency", "is", "usd"), outcome=to(saas)))
    published(admin, tools, previewed(admin, tools))
    assert told() == []
    assert admin.send("PATCH", f"/streams/{saas}", {"archived": True}).status_code == 200
    catch_up(admin.engine)
    assert told() == [saas]

    draft(admin, rule("rule_1", ("currency", "is", "usd"), outcome=to(fees)))
    published(admin, tools, previewed(admin, tools))

    assert told() == []
