"""The accounting policy over the API; the company's time zone is a part of it."""

import pytest
from flask import Flask
from sqlalchemy import Engine

from events.log.append import append
from events.log.own_facts import own_fact
from projections.mapping.decisions.payloads import StreamCreated
from projections.recognition.days import TZDATA_VERSION
from tests.support.billing import billed
from tests.support.clock import NOON
from tests.support.company import catch_up, record_events
from tests.support.decisions import decide, rules
from tests.support.recognition import Case
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of


@pytest.fixture
def admin(app: Flask, engine: Engine) -> Admin:
    return Admin.of_new_company(app, engine)


def test_policy_is_set_with_a_fact_for_each_change(admin: Admin) -> None:
    first = admin.get("/accounting-policy")
    assert {**first, "position": 0} == {
        "object": "accounting_policy",
        "time_zone": "UTC",
        "uncollectible": "contra",
        "catch_up": "none",
        "version": 0,
        "position": 0,
    }

    changed = json_of(admin.send("PUT", "/accounting-policy", {"catch_up": "booked", "time_zone": "Europe/Zurich"}))
    assert (changed["catch_up"], changed["uncollectible"], changed["version"]) == ("booked", "contra", 1)
    assert admin.get("/accounting-policy") == changed
    assert admin.get("")["time_zone"] == "Europe/Zurich"
    assert json_of(admin.send("PUT", "/accounting-policy", {"catch_up": "booked"})) == changed
    assert admin.get("/accounting-policy", as_of=first["position"]) == first
    newest = admin.get("/audit")["data"][0]
    assert (newest["type"], newest["details"]) == (
        "accounting.policy_set",
        {
            "version": 1,
            "time_zone": "Europe/Zurich",
            "tzdata": TZDATA_VERSION,
            "catch_up": "booked",
            "uncollectible": "contra",
            "undoes": None,
        },
    )


def test_time_zone_of_the_company_is_that_of_the_policy(admin: Admin, engine: Engine) -> None:
    admin.send("PUT", "/accounting-policy", {"uncollectible": "expense"})
    admin.send("PATCH", "", {"time_zone": "Asia/Tokyo"})

    changed = admin.get("/accounting-policy")
    assert (changed["time_zone"], changed["uncollectible"], changed["version"]) == ("Asia/Tokyo", "expense", 2)


def test_time_zone_that_was_set_before_there_were_policies_is_a_part_of_them(admin: Admin, engine: Engine) -> None:
    entity = f"company:{admin.company_id}"
    old = own_fact("accounting.time_zone_set", {"time_zone": "Asia/Tokyo"}, entity=entity, now=NOON, actor="user:1")
    with engine.begin() as connection:
        append(connection, admin.company_id, [old])

    assert admin.get("/accounting-policy")["time_zone"] == "Asia/Tokyo"
    changed = json_of(admin.send("PUT", "/accounting-policy", {"catch_up": "booked"}))
    assert (changed["time_zone"], changed["version"]) == ("Asia/Tokyo", 2)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"time_zone": "Mars/Olympus"}, "/json/time_zone"),
        ({"catch_up": "some"}, "/json/catch_up"),
        ({"uncollectible": None}, "/json/uncollectible"),
        ({"version": 7}, "/json/version"),
    ],
)
def test_what_cannot_be_a_policy_is_refused(admin: Admin, body: dict[str, object], pointer: str) -> None:
    refused = json_of(admin.send("PUT", "/accounting-policy", body))

    assert (refused["status"], refused["errors"][0]["pointer"]) == (422, pointer)
    assert admin.get("/accounting-policy")["version"] == 0


def test_policy_is_tried_in_money_before_it_counts(admin: Admin, engine: Engine) -> None:
    # 28 days from 5:00 UTC on February 1, which is still January 31 in Los Angeles: 1.00 and 27.00 of 28.00.
    case = Case("28.00", "2026-02-01T05:00", "2026-03-01T05:00")
    record_events(engine, *billed(case, "il_1"))
    decide(engine, admin.company_id, StreamCreated("str_saas", "SaaS"), rules(1, ("currency", "is", "usd")))
    catch_up(engine)

    tried = json_of(admin.send("PUT", "/accounting-policy", {"time_zone": "America/Los_Angeles", "dry_run": True}))

    cell = {"stream_id": "str_saas", "currency": "usd", "currency_exponent": 2, "closed": False}
    assert tried["data"] == [
        {"month": "2026-01", **cell, "before": 0, "after": 100},
        {"month": "2026-02", **cell, "before": 2800, "after": 2700},
    ]
    assert (tried["time_zone"], tried["version"]) == ("America/Los_Angeles", 0)
    assert admin.get("/accounting-policy")["time_zone"] == "UTC"

    admin.send("PUT", "/accounting-policy", {"time_zone": "America/Los_Angeles"})
    catch_up(engine)
    report = admin.get("/reports/recognition", to="2026-03")
    assert [(one["month"], one["net"]) for one in report["data"]] == [("2026-01", 100), ("2026-02", 2700)]
