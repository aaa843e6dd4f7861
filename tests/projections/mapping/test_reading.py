"""A document of rules is read whole or refused with all that is wrong in it, each with its place."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.mapping.advice import advice_on
from projections.mapping.decisions.references import check_references, with_default_treatments
from projections.mapping.decisions.streams import Plan, Stream
from projections.mapping.problems import InvalidRulesError, Problem
from projections.mapping.reading_outcomes import read_outcome, read_treatment
from projections.mapping.reading_rules import read_rules
from projections.mapping.writing_rules import document_of
from projections.recognition.outcome import Share, Treatment
from tests.support.rules import new_ids, rule, rule_documents, rules_of, to

USD = {"field": "currency", "op": "is", "value": "usd"}


def problems_of(*documents: object) -> dict[str, str]:
    with pytest.raises(InvalidRulesError) as refused:
        read_rules(list(documents), new_ids())
    return dict(refused.value.problems)


@settings(max_examples=50)
@given(rule_documents())
def test_what_is_written_reads_as_the_same_rules(documents: list[dict]) -> None:
    rules = rules_of(*documents)

    assert read_rules(json.loads(json.dumps(document_of(rules))), new_ids()) == rules
    assert document_of(read_rules(document_of(rules), new_ids())) == document_of(rules)


_KEYS = (
    *("id", "name", "enabled", "applies", "by", "from", "to", "match", "conditions", "field", "op", "value"),
    *("outcome", "shares", "bp", "stream_id", "plan_id", "kind", "treatment", "n", "lookup", "table"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn) -> list:
    """Return rules of which one value, somewhere, was replaced by anything."""
    documents: list = json.loads(json.dumps(draw(rule_documents().filter(bool))))
    place: list | dict = documents
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not inner or not isinstance(inner, (list, dict)) or draw(st.booleans()):
            place[key] = draw(_JSON)
            return documents
        place = inner


@settings(max_examples=200)
@given(_JSON | damaged())
def test_anything_else_is_refused_with_places_that_exist_or_are_missing(document: object) -> None:
    try:
        rules = read_rules(document, new_ids(), pointer="")
    except InvalidRulesError as error:
        refused = error.problems
    else:
        refused = ()
        assert read_rules(document_of(rules), new_ids()) == rules
    for pointer, detail in refused:
        assert detail.endswith(("?", "."))
        assert is_in(document, pointer)


def is_in(document: object, pointer: str) -> bool:
    keys = pointer.split("/")[1:]
    for number, key in enumerate(keys):
        if isinstance(document, dict):
            if key not in document:
                return number == len(keys) - 1
            document = document[key]
        elif isinstance(document, list):
            document = document[int(key)]
        else:
            return number == len(keys) - 1
    return True


BAD: dict[str, tuple[dict, str, str]] = {
    "unknown key": (rule("rule_1", whenever=True), "/rules/0/whenever", "not known here"),
    "no outcome": ({"conditions": [USD]}, "/rules/0/outcome", "missing"),
    "id of another form": (rule("seven"), "/rules/0/id", "begins with rule_"),
    "enabled in words": (rule("rule_1", enabled="yes"), "/rules/0/enabled", "true or false"),
    "match": (rule("rule_1", match="some"), "/rules/0/match", "all, any"),
    "any of nothing": (rule("rule_1", match="any"), "/rules/0/conditions", "needs one"),
    "field": (rule("rule_1", ("prodct_id", "is", "x")), "/rules/0/conditions/0/field", "Did you mean product_id?"),
    "metadata of nobody": (rule("rule_1", ("team.metadata.a", "is", "x")), "/rules/0/conditions/0/field", "no field"),
    "operator": (rule("rule_1", ("currency", "matches", "x")), "/rules/0/conditions/0/op", "Use one of: is, is_not"),
    "operator of numbers": (rule("rule_1", ("currency", "lt", "x")), "/rules/0/conditions/0/op", "cannot be asked"),
    "currency": (rule("rule_1", ("currency", "is", "usx")), "/rules/0/conditions/0/value", "Did you mean"),
    "cadence": (
        rule("rule_1", ("cadence", "in", ["monthly", "yearly"])),
        "/rules/0/conditions/0/value/1",
        "No line has the value",
    ),
    "amount as text": (rule("rule_1", ("amount", "gt", "5")), "/rules/0/conditions/0/value", "whole number"),
    "amount with decimals": (rule("rule_1", ("amount", "gt", 5.5)), "/rules/0/conditions/0/value", "whole number"),
    "quantity": (rule("rule_1", ("quantity", "gt", 2.5)), "/rules/0/conditions/0/value", "“2.5”"),
    "date": (rule("rule_1", ("date", "lt", "20260101")), "/rules/0/conditions/0/value", "2026-01-31"),
    "date that does not exist": (rule("rule_1", ("date", "lt", "2026-02-30")), "/rules/0/conditions/0/value", "date"),
    "value for nothing": (rule("rule_1", ("date", "is_empty", "x")), "/rules/0/conditions/0/value", "Leave the value"),
    "no value": (rule("rule_1", ("currency", "is")), "/rules/0/conditions/0/value", "A text is expected"),
    "blank value": (rule("rule_1", ("description", "is", "  ")), "/rules/0/conditions/0/value", "A text is expected"),
    "empty list": (rule("rule_1", ("currency", "in", [])), "/rules/0/conditions/0/value", "One entry is needed"),
    "range": (rule("rule_1", ("amount", "between", [1, 2, 3])), "/rules/0/conditions/0/value", "At most 2"),
    "range backwards": (rule("rule_1", ("amount", "between", [2, 1])), "/rules/0/conditions/0/value", "greater"),
    "too many conditions": (rule("rule_1", *[("currency", "is_present")] * 51), "/rules/0/conditions", "At most 50"),
    "applies by": (rule("rule_1", applies={"by": "paid"}), "/rules/0/applies/by", "service_start, finalized"),
    "applies to no day": (
        rule("rule_1", applies={"by": "finalized", "from": "2026-01-01", "to": "2026-01-01"}),
        "/rules/0/applies/to",
        "for no day",
    ),
    "shares": (
        {"outcome": {"shares": [{"bp": 9000, "stream_id": "a"}, {"bp": 900, "stream_id": "b"}]}},
        "/rules/0/outcome/shares",
        "come to 99 % of the line",
    ),
    "no share": ({"outcome": {"shares": []}}, "/rules/0/outcome/shares", "One entry is needed"),
    "share of nothing": (
        {"outcome": {"shares": [{"bp": 0, "stream_id": "a"}]}},
        "/rules/0/outcome/shares/0/bp",
        "from 1 to 10000",
    ),
    "revenue without a stream": (
        {"outcome": {"shares": [{"bp": 10_000}]}},
        "/rules/0/outcome/shares/0/stream_id",
        "needs a stream",
    ),
    "plan without a stream": (
        {"outcome": {"shares": [{"bp": 10_000, "kind": "tax", "plan_id": "pln_1"}]}},
        "/rules/0/outcome/shares/0/plan_id",
        "belongs to a stream",
    ),
    "tax over time": (
        {"outcome": {"shares": [{"bp": 10_000, "kind": "tax", "treatment": {"kind": "period"}}]}},
        "/rules/0/outcome/shares/0/treatment",
        "Only revenue",
    ),
    "months without a number": (
        {"outcome": {"shares": [{"bp": 10_000, "stream_id": "a", "treatment": {"kind": "months"}}]}},
        "/rules/0/outcome/shares/0/treatment/n",
        "1 to 120",
    ),
    "months of a period": (
        {"outcome": {"shares": [{"bp": 10_000, "stream_id": "a", "treatment": {"kind": "period", "n": 3}}]}},
        "/rules/0/outcome/shares/0/treatment/n",
        "by months",
    ),
    "lookup beside an outcome": (
        {"lookup": {"field": "product_id", "table": {"a": "b"}}, "outcome": to("str_1")},
        "/rules/0/outcome",
        "not known here",
    ),
    "lookup of numbers": (
        {"lookup": {"field": "amount", "table": {"1": "str_1"}}},
        "/rules/0/lookup/field",
        "looks up ids and texts",
    ),
    "lookup of the same": (
        {"lookup": {"field": "description", "table": {"A/b": "str_1", "a/B": "str_2"}}},
        "/rules/0/lookup/table/a~1B",
        "is looked up like “A/b”",
    ),
    "lookup of nothing": ({"lookup": {"field": "product_id", "table": {}}}, "/rules/0/lookup/table", "1 to 10000"),
}


@pytest.mark.parametrize(("document", "pointer", "detail"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_its_place(document: dict, pointer: str, detail: str) -> None:
    problems = problems_of(document)

    assert list(problems) == [pointer]
    assert detail in problems[pointer]


def test_all_that_is_wrong_is_named_at_once_up_to_a_hundred() -> None:
    assert list(problems_of(rule("rule_1", match="some"), 5, rule("rule_1"), rule("rule_1", name=7))) == [
        "/rules/0/match",
        "/rules/1",
        "/rules/3/name",
        "/rules/2/id",
        "/rules/3/id",
    ]
    assert len(problems_of(*[rule(f"rule_{number}", match="some") for number in range(200)])) == 100


@pytest.mark.parametrize("document", [None, {}, "rules", [{}] * 501])
def test_rules_are_a_list_of_at_most_five_hundred(document: object) -> None:
    with pytest.raises(InvalidRulesError) as refused:
        read_rules(document, new_ids())

    assert [problem.pointer for problem in refused.value.problems] == ["/rules"]


def test_rule_keeps_its_id_and_one_without_gets_one() -> None:
    assert [rule.rule_id for rule in rules_of({"outcome": to("a")}, rule("rule_7"))] == ["rule_new1", "rule_7"]


def test_plans_kinds_and_treatments_are_read_and_written() -> None:
    outcome = {
        "shares": [
            {"bp": 5000, "stream_id": "a", "treatment": {"kind": "months", "n": 12, "from": "period_start"}},
            {"bp": 4000, "stream_id": "a", "plan_id": "p", "treatment": {"kind": "booked"}},
            {"bp": 1000, "stream_id": "b", "kind": "pass_through"},
        ]
    }
    rules = rules_of({"outcome": outcome})

    assert rules[0].outcome == (  # type: ignore[union-attr]
        Share(5000, "a", treatment=Treatment("months", 12, "period_start")),
        Share(4000, "a", "p", treatment=Treatment("booked")),
        Share(1000, "b", kind="pass_through"),
    )
    assert document_of(rules)[0]["outcome"] == outcome


def test_streams_and_plans_that_do_not_exist_are_named() -> None:
    shares = [
        {"bp": 5000, "stream_id": "str_a", "plan_id": "pln_b"},
        {"bp": 5000, "stream_id": "str_b", "plan_id": "pln_b"},
    ]
    rules = rules_of(
        {"outcome": {"shares": shares}},
        {"lookup": {"field": "product_id", "table": {"prod/1": "str_b", "prod_2": "str_c"}}},
        rule("rule_tax", outcome={"shares": [{"bp": 10_000, "kind": "tax"}]}),
    )
    streams = {"str_a": Stream(plans={"pln_a": Plan("Plan")}), "str_b": Stream(plans={"pln_b": Plan("Plan")})}

    with pytest.raises(InvalidRulesError) as refused:
        check_references(rules, streams)
    assert refused.value.problems == (
        Problem("/rules/0/outcome/shares/0/plan_id", "The stream “str_a” has no plan “pln_b”."),
        Problem("/rules/1/lookup/table/prod_2", "There is no revenue stream “str_c”."),
    )
    check_references(rules, {**streams, "str_a": Stream(plans={"pln_b": Plan("Plan")}), "str_c": Stream()})


def test_stream_brings_its_treatment_along_unless_the_share_has_one() -> None:
    months, booked = Treatment("months", 12), Treatment("booked")
    streams = {"str_a": Stream(default_treatment=months), "str_b": Stream()}
    shares = (Share(1, "str_a"), Share(1, "str_a", treatment=booked), Share(1, "str_b"), Share(1, "str_a", kind="tax"))

    assert [share.treatment for share in with_default_treatments(shares, streams)] == [months, booked, None, None]


def test_null_is_as_if_it_were_not_there() -> None:
    document = rule("rule_1", ("currency", "is_present", None), applies=None, lookup=None, match=None, name=None)
    document["outcome"]["shares"][0].update(kind=None, plan_id=None, treatment=None)

    assert rules_of(document) == rules_of(rule("rule_1", ("currency", "is_present")))


def test_reading_stops_when_a_hundred_things_are_wrong() -> None:
    wrong = [("currency", "in", ["usx"] * 1000)] * 50

    assert len(problems_of(*[rule(f"rule_{number}", *wrong) for number in range(500)])) == 100


def test_outcomes_and_treatments_are_read_on_their_own() -> None:
    assert read_outcome(to("str_a")) == (Share(10_000, "str_a"),)
    assert read_treatment(None) is None
    assert read_treatment({"kind": "months", "n": 3}) == Treatment("months", 3)
    with pytest.raises(InvalidRulesError) as outcome_refused:
        read_outcome({"shares": [{"bp": 1, "stream_id": "str_a"}]})
    assert outcome_refused.value.problems[0].pointer == "/outcome/shares"
    with pytest.raises(InvalidRulesError) as treatment_refused:
        read_treatment({"kind": "monthly"})
    assert treatment_refused.value.problems[0].pointer == "/default_treatment/kind"


def test_rules_that_test_names_are_told_of_ids() -> None:
    rules = rules_of(
        rule("rule_1", ("customer_name", "is", "Zed"), ("customer_name", "is_present"), ("customer_id", "is", "cus_1")),
        {"id": "rule_2", "lookup": {"field": "product_name", "table": {"Pro": "str_a"}}},
    )

    assert list(advice_on(rules)) == [
        ("rule_1", "customer_name", "customer_id"),
        ("rule_2", "product_name", "product_id"),
    ]
