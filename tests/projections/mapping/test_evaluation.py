"""The first rule that matches maps a line whole, and says why it and no other."""

from collections import Counter
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.mapping.effects import effects_of
from projections.mapping.mapped import Overrides, PassedOver, explained, mapped
from projections.mapping.rule_set import RuleSet
from projections.mapping.shadows import Finding, unreachable
from projections.mapping.writing_rules import outcome_document
from projections.recognition.outcome import UNMAPPED, Share
from tests.support.recognition import Case
from tests.support.rules import (
    SUBJECTS,
    plainly_mapped,
    plainly_matches,
    rule,
    rule_documents,
    rule_set,
    rules_of,
    to,
)

PRO = ("product_id", "is", "prod_pro")
USD = ("currency", "is", "usd")


@settings(max_examples=100)
@given(rule_documents(), st.lists(SUBJECTS, min_size=1, max_size=4))
def test_rules_mean_what_they_say_word_for_word(documents: list[dict], lines: list[dict]) -> None:
    rules = rule_set(*documents)
    for line in lines:
        why = explained(rules, line)
        matching = [document["id"] for document in documents if plainly_matches(document, line)]
        rule_id, outcome = plainly_mapped(documents, line)
        assert mapped(rules, rules.values_of(line)) == why.mapped
        assert why.mapped.rule_id == rule_id
        assert why.mapped.shares == UNMAPPED if outcome is None else outcome_document(why.mapped.shares) == outcome
        assert list(why.also_matched) == matching[1:]
        enabled = [document["id"] for document in documents if document["enabled"]]
        until = enabled.index(rule_id) if rule_id else len(enabled)
        assert [passed.rule_id for passed in why.passed_over] == enabled[:until]


@settings(max_examples=100)
@given(rule_documents(), SUBJECTS)
def test_named_condition_is_what_keeps_a_rule_from_matching(documents: list[dict], line: dict) -> None:
    by_id = {document["id"]: document for document in documents}
    for passed in explained(rule_set(*documents), line).passed_over:
        document = by_id[passed.rule_id]
        assert passed.found == line.get(passed.field)
        if passed.op == "applies":
            assert not plainly_matches({**document, "conditions": [], "match": "all"}, line)
        elif passed.op != "lookup":
            named = [c for c in document["conditions"] if (c["field"], c["op"]) == (passed.field, passed.op)]
            assert not all(plainly_matches(rule_with(condition), line) for condition in named)


def rule_with(condition: dict) -> dict:
    return {"id": "rule_x", "enabled": True, "match": "all", "conditions": [condition], "outcome": to("str_x")}


@settings(max_examples=100)
@given(rule_documents(), st.lists(st.tuples(SUBJECTS, st.integers(1, 3)), max_size=6))
def test_effects_are_counted_line_by_line(documents: list[dict], lines: list[tuple[dict, int]]) -> None:
    rules = rule_set(*documents)
    matches, firsts, takers = Counter[str](), Counter[str](), dict[str, Counter[str]]()
    for line, count in lines:
        first, _ = plainly_mapped(documents, line)
        for document in documents:
            if first is not None and plainly_matches(document, line):
                matches[document["id"]] += count
                takers.setdefault(document["id"], Counter())[first] += count
        if first is not None:
            firsts[first] += count

    for effect in effects_of(rules, [(rules.values_of(line), count) for line, count in lines]):
        assert (effect.matches, effect.first_matches) == (matches[effect.rule_id], firsts[effect.rule_id])
        assert effect.is_dead == (effect.matches == 0)
        if effect.matches and not effect.first_matches:
            counted = takers[effect.rule_id]
            assert effect.shadowed_by is not None
            assert counted[effect.shadowed_by] == max(counted.values())
        else:
            assert effect.shadowed_by is None


def test_a2_first_rule_wins_and_the_second_is_named() -> None:
    why = explained(
        rule_set(rule("rule_eur", ("currency", "is", "eur")), rule("rule_pro", PRO), rule("rule_all")),
        {"currency": "usd", "product_id": "prod_pro"},
    )

    assert why.mapped == ("rule", "rule_pro", (Share(10_000, "str_rule_pro"),), None)
    assert why.also_matched == ("rule_all",)
    assert why.passed_over == (PassedOver("rule_eur", "currency", "is", "usd"),)


def test_a1_line_that_no_rule_matches_is_unmapped() -> None:
    assert explained(rule_set(), {"currency": "usd"}).mapped == ("unmapped", None, UNMAPPED, None)


def test_a3_broad_rule_shadows_those_behind_it() -> None:
    documents = [rule("rule_all"), rule("rule_pro", PRO), rule("rule_usd", USD)]
    rules = rule_set(*documents)
    lines = [(rules.values_of({"product_id": "prod_pro", "currency": "eur"}), 4)]

    assert effects_of(rules, lines) == [
        ("rule_all", 4, 4, None),
        ("rule_pro", 4, 0, "rule_all"),
        ("rule_usd", 0, 0, None),
    ]
    assert unreachable(rules_of(*documents)) == [Finding("rule_pro", "rule_all"), Finding("rule_usd", "rule_all")]


def test_a4_rule_applies_from_its_day_on_and_until_before_its_last() -> None:
    rules = rule_set(rule("rule_1", applies={"by": "service_start", "from": "2026-01-01", "to": "2026-02-01"}))

    matched = [
        mapped(rules, rules.values_of({"date": date(*day)})).layer
        for day in ((2025, 12, 31), (2026, 1, 1), (2026, 1, 31), (2026, 2, 1))
    ]
    assert matched == ["unmapped", "rule", "rule", "unmapped"]
    assert explained(rules, {"date": date(2025, 12, 31)}).passed_over[0][1:] == ("date", "applies", date(2025, 12, 31))


def test_a9_override_stands_over_rules_and_the_line_over_its_subscription() -> None:
    rules, line = rule_set(rule("rule_usd", USD)), {"currency": "usd"}
    of_line, of_subscription = (Share(10_000, "str_line"),), (Share(10_000, "str_subscription"),)

    assert explained(rules, line, Overrides(of_line, of_subscription)).mapped == ("line_override", None, of_line, None)
    why = explained(rules, line, Overrides(None, of_subscription))
    assert why == (("subscription_override", None, of_subscription, None), ("rule_usd",), ())
    assert explained(rules, line, Overrides()).mapped.layer == "rule"


def test_a10_and_a11_shares_pass_money_through_and_set_taxes_apart() -> None:
    shares = [{"bp": 9000, "stream_id": "str_saas"}, {"bp": 1000, "stream_id": "str_fees", "kind": "pass_through"}]
    tax = {"shares": [{"bp": 10_000, "kind": "tax"}]}
    rules = rule_set(
        {
            "id": "rule_tax",
            "conditions": [{"field": "description", "op": "contains", "value": "avatax"}],
            "outcome": tax,
        },
        {"id": "rule_all", "outcome": {"shares": shares}},
    )

    def amounts(description: str, amount: str) -> dict[str, int]:
        outcome = mapped(rules, rules.values_of({"description": description})).shares
        parts = Case(amount, "2026-04-01", "2026-05-01", shares=outcome).parts()
        return {part.kind: part.amount for part in parts}

    assert amounts("Pro plan", "100.00") == {"revenue": 9000, "pass_through": 1000}
    assert amounts("Sales Tax (AvaTax)", "10.00") == {"tax": 1000}


def test_disabled_rule_is_as_if_it_were_not_there() -> None:
    rules = rule_set(rule("rule_off", enabled=False), rule("rule_usd", USD))
    why = explained(rules, {"currency": "usd"})

    assert why == (("rule", "rule_usd", (Share(10_000, "str_rule_usd"),), None), (), ())
    assert rules.fields == ("currency",)


def test_texts_match_whatever_their_case_width_and_blanks_but_ids_do_not() -> None:
    rules = rule_set(rule("rule_1", ("description", "is", "pro plan")), rule("rule_2", ("product_id", "is", "prod_Aa")))

    assert mapped(rules, rules.values_of({"description": " ＰＲＯ\u00a0 Plan"})).rule_id == "rule_1"
    assert mapped(rules, rules.values_of({"product_id": "prod_aa"})).layer == "unmapped"
    assert mapped(rules, rules.values_of({"product_id": "prod_Aa"})).rule_id == "rule_2"


def test_lines_with_the_same_tested_fields_are_mapped_alike_and_asked_once() -> None:
    rules = rule_set(rule("rule_1", ("subscription.metadata.region", "is", "emea"), USD))
    line: dict = {"subscription.metadata.region": "EMEA", "currency": "usd", "amount": 5}

    assert rules.fields == ("subscription.metadata.region", "currency")
    assert rules.values_of(line) == rules.values_of({**line, "amount": 7}) == ("emea", "usd")
    assert rules.first_match(rules.values_of(line)) is rules.first_match(("emea", "usd"))


def test_rules_without_any_field_map_every_line() -> None:
    assert RuleSet(rules_of(rule("rule_all"))).first_match(()) is not None
