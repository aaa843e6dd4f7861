"""A rule that is called unreachable never maps a line: tried with all pairs of conditions, and with random rules."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.mapping.fields import Value
from projections.mapping.shadows import Finding, unreachable
from tests.support.rules import SUBJECTS, plainly_mapped, plainly_matches, rule, rule_documents, rule_set, rules_of

USD = ("currency", "is", "usd")


@settings(max_examples=100)
@given(rule_documents(), st.lists(SUBJECTS, max_size=8))
def test_rule_that_is_found_unreachable_maps_no_line(documents: list[dict], lines: list[dict]) -> None:
    by_id = {document["id"]: document for document in documents}
    for finding in unreachable(rules_of(*documents)):
        for line in lines:
            assert plainly_mapped(documents, line)[0] != finding.rule_id
            if plainly_matches(by_id[finding.rule_id], line):
                assert finding.shadowed_by is not None
                assert plainly_matches(by_id[finding.shadowed_by], line)


_LISTS = (["a"], ["ab"], ["a", "b"], ["a", "ab"], ["ab", "b"])
_ON_TEXTS: list[tuple] = [
    *product(("is", "is_not", "starts_with", "ends_with", "contains"), ("a", "b", "ab")),
    *product(("in", "not_in", "contains_all", "contains_any"), _LISTS),
    ("is_empty",),
    ("is_present",),
]
_ON_NUMBERS: list[tuple] = [
    *product(("is", "is_not", "lt", "lte", "gt", "gte"), (0, 1, 2)),
    *product(("in", "not_in"), ([0], [0, 1], [1, 2])),
    *product(("between",), ([0, 0], [0, 1], [1, 2], [0, 2])),
    ("is_empty",),
    ("is_present",),
]
_TEXTS: list[Value] = [None, *("".join(letters) for count in (1, 2, 3) for letters in product("abc", repeat=count))]
_NUMBERS: list[Value] = [None, *range(-1, 4)]


@pytest.mark.parametrize(
    ("field", "conditions", "values", "missed"),
    [("description", _ON_TEXTS, _TEXTS, 0.15), ("net_amount", _ON_NUMBERS, _NUMBERS, 0.35)],
)
def test_every_pair_of_conditions(field: str, conditions: list[tuple], values: list[Value], missed: float) -> None:
    passing = {}
    for number, condition in enumerate(conditions):
        rules = rule_set(rule("rule_1", (field, *condition)))
        passing[number] = {value for value in values if rules.first_match(rules.values_of({field: value}))}
    implied = found = 0
    for wide, narrow in product(range(len(conditions)), repeat=2):
        documents = [rule("rule_1", (field, *conditions[wide])), rule("rule_2", (field, *conditions[narrow]))]
        is_found = unreachable(rules_of(*documents)) == [Finding("rule_2", "rule_1")]
        is_implied = passing[narrow] <= passing[wide]
        assert is_implied or not is_found, (conditions[wide], conditions[narrow])
        implied, found = implied + is_implied, found + is_found
        if wide == narrow:
            assert is_found
    # Not all has to be found, but nearly all of what a person would see.
    assert found >= implied * (1 - missed)


def test_shadows_are_found_before_any_line_is_looked_at() -> None:
    documents = [
        rule("rule_wide", ("description", "contains", "plan"), ("net_amount", "gte", 0)),
        rule("rule_narrow", ("description", "starts_with", "Pro Plan"), ("net_amount", "between", [5, 9]), USD),
        rule("rule_listed", ("product_id", "in", ["prod_a", "prod_b"])),
        {"id": "rule_table", "lookup": {"field": "product_id", "table": {"prod_a": "str_a"}}},
        rule("rule_either", ("currency", "is", "eur"), USD, match="any"),
        rule("rule_usd", ("currency", "is", "USD")),
        rule("rule_never", ("currency", "is", "usd"), ("currency", "is", "eur")),
        rule("rule_both", ("currency", "is_empty"), ("currency", "is_present")),
        rule("rule_one_works", ("currency", "in", ["eur", "gbp"]), ("currency", "is_not", "eur")),
        rule("rule_open", ("product_id", "is_not", "prod_x")),
    ]

    assert unreachable(rules_of(*documents)) == [
        Finding("rule_narrow", "rule_wide"),
        Finding("rule_table", "rule_listed"),
        Finding("rule_usd", "rule_either"),
        Finding("rule_never", None),
        Finding("rule_both", None),
    ]


@pytest.mark.parametrize(
    ("earlier", "later", "is_shadowed"),
    [
        (("2026-01-01", "2026-03-01"), ("2026-01-01", "2026-03-01"), True),
        (("2026-01-01", "2026-03-01"), ("2026-02-01", "2026-03-01"), True),
        (("2026-01-01", None), ("2026-02-01", None), True),
        ((None, "2026-03-01"), (None, "2026-02-01"), True),
        ((None, None), ("2026-02-01", None), True),
        (("2026-01-01", None), (None, None), False),
        (("2026-01-01", "2026-03-01"), ("2026-01-01", None), False),
        (("2026-01-01", "2026-03-01"), ("2026-01-01", "2026-04-01"), False),
        (("2026-01-02", "2026-03-01"), ("2026-01-01", "2026-03-01"), False),
    ],
)
def test_rule_shadows_only_on_its_own_days(earlier: tuple, later: tuple, is_shadowed: bool) -> None:  # noqa: FBT001
    documents = [
        rule(rule_id, USD, applies={"by": "finalized", "from": days[0], "to": days[1]})
        for rule_id, days in (("rule_1", earlier), ("rule_2", later))
    ]
    other = rule("rule_2", USD, applies={"by": "service_start", "from": later[0], "to": later[1]})

    assert unreachable(rules_of(*documents)) == ([Finding("rule_2", "rule_1")] if is_shadowed else [])
    assert unreachable(rules_of(documents[0], other)) == []
    assert unreachable(rules_of(documents[0], rule("rule_2", USD))) == []
    assert unreachable(rules_of(rule("rule_1", USD), documents[1])) == [Finding("rule_2", "rule_1")]
