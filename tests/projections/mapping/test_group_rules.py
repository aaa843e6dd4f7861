"""Rules that are written for a group of lines: what they match, and where they stand among others."""

from typing import Any

import pytest

from projections.mapping.decisions.streams import Stream
from projections.mapping.group_rules import By, WordlessError, rule_for, with_mapped
from projections.mapping.likely_streams import LikelyStreams, MappedLines, Sold
from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import RuleSet
from projections.mapping.writing_rules import document_of
from tests.support.rules import new_ids, rule, rules_of, to

STREAMS = {"str_a": Stream("A"), "str_b": Stream("B"), "str_old": Stream("Old", archived_at=1)}
PRO = Sold("prod_pro", "price_1", None)
HELP = Sold(None, None, "… hours of help (…")


def written(*documents: dict) -> list[dict[str, Any]]:
    """Return rules as the draft has them."""
    return document_of(rules_of(*documents))


def added(rules: list[dict[str, Any]], sold: Sold, by: By = "product", stream_id: str = "str_a") -> RuleSet:
    """Return the rules with these lines mapped, having checked that they now are, and to this stream."""
    found = with_mapped(rules, sold, by, stream_id, name="New", streams=STREAMS)
    asked = RuleSet(read_rules(found.rules, new_ids()))
    ready = rule_for(asked, sold)
    assert ready is not None
    assert found.rule_id in (ready.rule.rule_id, None)
    assert [share.stream_id for share in ready.shares(())] == [stream_id]
    return asked


def places(rules: RuleSet) -> list[str]:
    return [ready.rule.name or ready.rule.rule_id for ready in rules.rules]


def test_a_rule_for_a_group_is_the_last_unless_another_one_would_take_its_lines() -> None:
    unknown = rule("rule_country", ("customer_country", "is", "de"), outcome=to("str_b"))
    other = rule("rule_other", ("product_id", "is", "prod_x"), outcome=to("str_old"))
    assert places(added(written(unknown, other), PRO)) == ["rule_country", "rule_other", "New"]
    everything = rule("rule_rest", outcome=to("str_b"))
    assert places(added(written(unknown, everything), PRO)) == ["rule_country", "New", "rule_rest"]
    either = rule(
        "rule_any", ("product_id", "is", "prod_pro"), ("currency", "is", "eur"), match="any", outcome=to("str_b")
    )
    assert places(added(written(unknown, either), PRO)) == ["rule_country", "New", "rule_any"]
    # What leads to an archived stream leaves its lines unmapped, and is asked all the same.
    closed = rule("rule_closed", ("cadence", "is", "monthly"), outcome=to("str_old"))
    assert places(added(written(closed), PRO)) == ["New", "rule_closed"]
    lookup = {"id": "rule_lookup", "lookup": {"field": "product_id", "table": {"prod_pro": "str_old"}}}
    assert places(added(written(lookup), PRO)) == ["New", "rule_lookup"]


def test_a_rule_that_does_the_same_gets_one_value_more() -> None:
    like = rule("rule_a", ("product_id", "in", ["prod_x"]), outcome=to("str_a"))
    grown = added(written(like), PRO)
    assert [ready.rule for ready in grown.rules] == list(
        rules_of(rule("rule_a", ("product_id", "in", ["prod_x", "prod_pro"]), outcome=to("str_a")))
    )
    assert [ready.rule for ready in added(document_of(tuple(one.rule for one in grown.rules)), PRO).rules] == [
        ready.rule for ready in grown.rules
    ]
    for unlike in (
        rule("rule_1", ("product_id", "in", ["prod_x"]), outcome=to("str_b")),
        rule("rule_1", ("product_id", "in", ["prod_x"]), outcome=to("str_a"), applies={"by": "finalized", "to": None}),
        rule("rule_1", ("product_id", "in", ["prod_x"]), ("currency", "is", "usd"), outcome=to("str_a")),
        rule("rule_1", ("price_id", "in", ["prod_x"]), outcome=to("str_a")),
        rule("rule_1", ("product_id", "in", [f"prod_{n}" for n in range(1000)]), outcome=to("str_a")),
        rule("rule_1", outcome=to("str_old")),
    ):
        assert len(added(written(unlike), PRO).rules) == 2, unlike
    disabled = rule("rule_1", ("product_id", "in", ["prod_x"]), outcome=to("str_a"), enabled=False)
    assert places(added(written(disabled), PRO)) == ["New"]


def test_lines_without_a_product_are_known_by_the_words_of_their_description() -> None:
    rules = added([], HELP, "description")

    def is_mapped(**subject: str) -> bool:
        return rules.first_match(rules.values_of(subject)) is not None

    assert is_mapped(description="12 Hours of  help (2026-01-31)")
    assert not is_mapped(description="12 hours of help")
    assert not is_mapped(description="12 hours of help (2)", product_id="prod_1")
    without = added([], Sold(None, None, None), "description")
    assert without.first_match(without.values_of({})) is not None
    assert without.first_match(without.values_of({"description": "a"})) is None
    with pytest.raises(WordlessError):
        with_mapped([], Sold(None, None, "…"), "description", "str_a", name="New", streams=STREAMS)


def test_the_stream_of_most_lines_is_likely_and_ties_are_broken_by_id() -> None:
    mapped = [MappedLines(PRO, "str_b", 2), MappedLines(PRO._replace(price_id="price_2"), "str_a", 2)]
    likely = LikelyStreams([*mapped, MappedLines(PRO, "str_old", 9)], STREAMS)
    assert likely.of(PRO) == ("str_a", "product", 2)
    assert likely.of(Sold(None, "price_1", None)) == ("str_b", "price", 2)
    assert likely.of(Sold("prod_x", None, None), "Type A (new)", None) == ("str_a", "name", 0)
    assert likely.of(Sold("prod_x", None, None), "An old banana", None) is None
