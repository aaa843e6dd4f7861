"""Facts of mapping are read as they were written, and what is malformed is said to be so."""

import json
from typing import Any

import msgspec
import pytest

from projections.mapping.decisions.facts import (
    FACT_TYPES,
    LINES_OVERRIDDEN,
    POLICY_SET,
    RULES_PUBLISHED,
    STREAM_CREATED,
    SUBSCRIPTION_OVERRIDDEN,
    TIME_ZONE_SET,
    MalformedFactError,
    read_fact,
    type_of_fact,
)
from projections.mapping.decisions.payloads import MAX_LINES, LinesOverridden, RulesPublished, StreamCreated
from projections.recognition.outcome import Share, Treatment
from tests.support.rules import rule, to

LINE = {"livemode": True, "invoice_id": "in_1", "invoice_line_item_id": "il_1"}
STREAM = {"id": "str_a", "name": "SaaS", "code": None, "default_treatment": {"kind": "months", "n": 12}}
PLAN = {"id": "pln_a", "stream_id": "str_a", "name": "Pro"}
SUBSCRIPTION = {"livemode": False, "subscription_id": "sub_1"}
POLICY = {"version": 2, "time_zone": "Europe/Zurich", "tzdata": "2026f", "catch_up": "none", "uncollectible": "contra"}
RULES = {"version": 1, "based_on": 0, "rules": [rule("rule_a")], "preview": {"position": 7, "checksum": "c"}}
PAYLOADS: dict[str, dict[str, Any]] = {
    **{f"mapping.stream_{act}": STREAM for act in ("created", "changed", "archived", "restored")},
    **{f"mapping.plan_{act}": PLAN for act in ("created", "changed", "archived", "restored")},
    RULES_PUBLISHED: RULES,
    LINES_OVERRIDDEN: {"batch_id": "bat_1", "lines": [LINE], "outcome": to("str_a"), "reason": "late"},
    "mapping.lines_released": {"batch_id": "bat_2", "lines": [LINE], "undoes": 7},
    SUBSCRIPTION_OVERRIDDEN: {**SUBSCRIPTION, "outcome": to("str_a"), "reason": None},
    "mapping.subscription_released": SUBSCRIPTION,
    POLICY_SET: POLICY,
    TIME_ZONE_SET: {"time_zone": "UTC"},
}


@pytest.mark.parametrize("fact_type", sorted(FACT_TYPES))
def test_fact_is_read_as_it_was_written(fact_type: str) -> None:
    fact = read_fact(fact_type, json.dumps({**PAYLOADS[fact_type], "of_a_later_release": 1}).encode())

    assert type_of_fact(fact) == fact_type
    assert read_fact(fact_type, msgspec.json.encode(fact)) == fact
    written = json.loads(msgspec.json.encode(fact))
    assert {key: written[key] for key in PAYLOADS[fact_type]} == PAYLOADS[fact_type]


def test_what_facts_say_is_read_with_them() -> None:
    stream = read_fact(STREAM_CREATED, json.dumps(STREAM).encode())
    override = read_fact(LINES_OVERRIDDEN, json.dumps(PAYLOADS[LINES_OVERRIDDEN]).encode())
    published = read_fact(RULES_PUBLISHED, json.dumps(RULES).encode())

    assert isinstance(stream, StreamCreated)
    assert isinstance(override, LinesOverridden)
    assert isinstance(published, RulesPublished)
    assert stream.treatment() == Treatment("months", 12)
    assert override.shares() == (Share(10_000, "str_a"),)
    assert [one.rule_id for one in published.read_rules()] == ["rule_a"]


@pytest.mark.parametrize(
    ("fact_type", "changed"),
    [
        (STREAM_CREATED, {"name": ""}),
        (STREAM_CREATED, {"id": 5}),
        (STREAM_CREATED, {"default_treatment": {"kind": "monthly"}}),
        (LINES_OVERRIDDEN, {"lines": []}),
        (LINES_OVERRIDDEN, {"lines": [LINE] * (MAX_LINES + 1)}),
        (LINES_OVERRIDDEN, {"outcome": {"shares": []}}),
        (SUBSCRIPTION_OVERRIDDEN, {"livemode": 1}),
        (RULES_PUBLISHED, {"version": 0}),
        (RULES_PUBLISHED, {"rules": [{"outcome": to("str_a")}]}),
        (RULES_PUBLISHED, {"rules": [{"id": "rule_a"}]}),
        (POLICY_SET, {"time_zone": "Europe/Atlantis"}),
        (POLICY_SET, {"catch_up": "some"}),
        (TIME_ZONE_SET, {"time_zone": "../../etc/passwd"}),
    ],
)
def test_malformed_fact_is_said_to_be_so(fact_type: str, changed: dict) -> None:
    with pytest.raises(MalformedFactError, match=fact_type):
        read_fact(fact_type, json.dumps({**PAYLOADS[fact_type], **changed}).encode())


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"id": "\xed\xa0\x80"}'])
def test_payload_that_is_no_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedFactError):
        read_fact(STREAM_CREATED, payload)


def test_payload_that_is_nested_without_end_is_malformed() -> None:
    with pytest.raises(MalformedFactError):
        read_fact(RULES_PUBLISHED, b'{"version": 1, "rules": ' + b"[" * 100_000)
