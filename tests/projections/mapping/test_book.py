"""The book after some facts, and what lines are mapped to by it."""

import json
from functools import reduce

from projections.mapping.decisions.book import EMPTY, Book, book_after, explained, mapping_of
from projections.mapping.decisions.facts import read_fact
from projections.mapping.decisions.streams import Plan, Stream
from projections.mapping.mapped import NO_OVERRIDES, Mapped, Overrides
from projections.recognition.billing import Policy
from projections.recognition.outcome import UNMAPPED, Share, Treatment
from tests.support.rules import rule, to

LINE = {"currency": "usd"}
USD = ("currency", "is", "usd")
MONTHS = {"kind": "months", "n": 12, "from": "booked"}
TO_PLAN = {"shares": [{"bp": 10_000, "stream_id": "str_a", "plan_id": "pln_a"}]}


def said(fact_type: str, at: int = 0, **payload: object) -> tuple[str, bytes, int]:
    return fact_type, json.dumps(payload).encode(), at


def stream(act: str, at: int = 0, **more: object) -> tuple[str, bytes, int]:
    return said(f"mapping.stream_{act}", at, **{"id": "str_a", "name": "SaaS", **more})


def plan(act: str, at: int = 0, name: str = "Pro") -> tuple[str, bytes, int]:
    return said(f"mapping.plan_{act}", at, id="pln_a", stream_id="str_a", name=name)


def published(version: int, *rules: dict) -> tuple[str, bytes, int]:
    return said("mapping.rules_published", version=version, based_on=version - 1, rules=rules)


def book(*facts: tuple[str, bytes, int]) -> Book:
    return reduce(lambda held, one: book_after(held, read_fact(one[0], one[1]), one[2]), facts, EMPTY)


def mapped(held: Book, booked_at: int = 0, overrides: Overrides = NO_OVERRIDES) -> Mapped:
    found = mapping_of(held, held.values_of(LINE), booked_at, overrides)
    assert explained(held, LINE, booked_at, overrides).mapped == found
    return found


def test_streams_keep_plans_and_archiving_when_they_are_renamed() -> None:
    facts = [stream("created"), plan("created"), plan("archived", 5), plan("changed", 6, "Pro+"), stream("archived", 7)]
    renamed = book(*facts, stream("changed", 8, name="Software", code="400", default_treatment=MONTHS))
    plans = {"pln_a": Plan("Pro+", 5)}

    assert renamed.streams == {"str_a": Stream("Software", "400", Treatment("months", 12), plans, 7)}
    assert book(*facts, stream("restored", 9), plan("restored", 9)).streams == {
        "str_a": Stream("SaaS", plans={"pln_a": Plan("Pro")})
    }


def test_nothing_maps_a_line_before_rules_are_published() -> None:
    assert mapped(EMPTY) == ("unmapped", None, UNMAPPED, 0)


def test_newest_rules_map_and_streams_bring_their_treatments() -> None:
    held = book(
        stream("created", default_treatment=MONTHS), published(1, rule("rule_old")), published(2, rule("rule_a", USD))
    )

    assert mapped(held) == ("rule", "rule_a", (Share(10_000, "str_rule_a"),), 2)
    by_stream = book_after(held, read_fact(*published(3, rule("rule_a", USD, outcome=to("str_a")))[:2]), 0)
    assert mapped(by_stream).shares == (Share(10_000, "str_a", treatment=Treatment("months", 12)),)


def test_overrides_stand_above_rules_without_a_version() -> None:
    overridden = said("mapping.subscription_overridden", livemode=True, subscription_id="sub_1", outcome=to("str_b"))
    released = said("mapping.subscription_released", livemode=True, subscription_id="sub_1")
    held = book(published(1, rule("rule_a")), overridden)
    of_subscription = held.override_of(livemode=True, subscription_id="sub_1")
    of_line = (Share(10_000, "str_line"),)

    assert mapped(held, 0, Overrides(None, of_subscription)) == (
        "subscription_override",
        None,
        (Share(10_000, "str_b"),),
        None,
    )
    assert mapped(held, 0, Overrides(of_line, of_subscription)) == ("line_override", None, of_line, None)
    assert held.override_of(livemode=False, subscription_id="sub_1") is None
    assert held.override_of(livemode=True, subscription_id=None) is None
    assert book(overridden, released).subscriptions == {}


def test_a15_archived_stream_keeps_its_history_and_gets_no_new_lines() -> None:
    facts = [stream("created"), published(1, rule("rule_a", outcome=to("str_a")), rule("rule_all"))]
    held = book(*facts, stream("archived", 100))

    assert mapped(held, 99).rule_id == "rule_a"
    assert mapped(held, 100) == ("unmapped", None, UNMAPPED, 1)
    assert explained(held, LINE, 100, NO_OVERRIDES).also_matched == ("rule_a", "rule_all")
    assert mapped(book(*facts, stream("archived", 100), stream("restored", 200)), 150).rule_id == "rule_a"
    override = (Share(10_000, "str_a"),)
    assert mapped(held, 100, Overrides(None, override)).layer == "unmapped"
    assert mapped(held, 100, Overrides(override)).shares == override


def test_archived_plan_leaves_new_lines_to_its_stream() -> None:
    held = book(
        stream("created"), plan("created"), published(1, rule("rule_a", outcome=TO_PLAN)), plan("archived", 100)
    )

    assert mapped(held, 99).shares == (Share(10_000, "str_a", "pln_a"),)
    assert mapped(held, 100).shares == (Share(10_000, "str_a"),)


def test_time_zone_that_is_set_alone_leaves_the_rest_of_the_policy() -> None:
    policy = said(
        "accounting.policy_set", version=4, time_zone="UTC", tzdata="x", catch_up="booked", uncollectible="expense"
    )
    held = book(policy, said("accounting.time_zone_set", time_zone="Asia/Tokyo"))

    assert (held.policy, held.policy_version) == (Policy("Asia/Tokyo", "expense", "booked"), 5)
    assert EMPTY.policy == Policy("UTC", "contra", "none")


def test_facts_about_lines_leave_the_book_as_it_is() -> None:
    line = {"livemode": True, "invoice_id": "in_1", "invoice_line_item_id": "il_1"}

    assert book(said("mapping.lines_released", batch_id="bat_1", lines=[line])) is EMPTY
