"""What each operator says of a value, at its edges."""

from datetime import date

import pytest

from projections.mapping.fields import Value
from projections.mapping.operators import OPERATORS
from tests.support.rules import rule, rule_set

NEW_YEAR = date(2026, 1, 1)

# By field and operand of a condition: values for which it holds, and for which it does not.
CASES: list[tuple[tuple, list[Value], list[Value]]] = [
    (("description", "is", "Pro Plan"), ["pro  plan", " ＰＲＯ plan"], ["pro", "pro plans", "", None]),
    (("description", "is_not", "Pro Plan"), ["pro", "", None], ["pro  plan"]),
    (("description", "in", ["a", "B"]), ["A", "b"], ["ab", "", None]),
    (("description", "not_in", ["a", "B"]), ["ab", "", None], ["A", "b"]),
    (("description", "is_empty"), ["", " ", "\u00a0\t", None], ["a"]),
    (("description", "is_present"), ["a"], ["", " ", "\u00a0\t", None]),
    (("description", "starts_with", "Pro"), ["PRO", "pro plan"], ["the pro", "pr", None]),
    (("description", "ends_with", "Pro"), ["PRO", "the pro"], ["pro plan", "ro", None]),
    (("description", "contains", "straße"), ["Hauptstrasse 5"], ["strase", None]),
    (("description", "contains_all", ["a", "b"]), ["cab"], ["a", "b", None]),
    (("description", "contains_any", ["a", "b"]), ["a", "b"], ["c", None]),
    (("product_id", "is", "prod_A"), ["prod_A"], ["prod_a", None]),
    (("product_id", "in", ["prod_A"]), ["prod_A"], ["prod_a", None]),
    (("net_amount", "is", 0), [0], [1, -1, None]),
    (("net_amount", "lt", 5), [4, -9], [5, 6, None]),
    (("net_amount", "lte", 5), [4, 5], [6, None]),
    (("net_amount", "gt", 5), [6], [5, 4, None]),
    (("net_amount", "gte", 5), [5, 6], [4, None]),
    (("net_amount", "between", [-5, 5]), [-5, 0, 5], [-6, 6, None]),
    (("quantity", "is", "2.50"), ["2.5", "2.500"], ["2.51", "25", None]),
    (("quantity", "gte", 3), ["3", "3.0", "10"], ["2.999", None]),
    (("date", "between", ["2026-01-01", "2026-01-02"]), [NEW_YEAR, date(2026, 1, 2)], [date(2025, 12, 31), None]),
    (("date", "lt", "2026-01-01"), [date(2025, 12, 31)], [NEW_YEAR, None]),
    (("date", "not_in", ["2026-01-01"]), [date(2025, 12, 31), None], [NEW_YEAR]),
    (("proration", "is", False), [False], [True, None]),
    (("proration", "is_not", True), [False, None], [True]),
    (("proration", "is_present"), [False, True], [None]),
    (("customer.metadata.Team", "is", "a"), ["A"], ["b", None]),
]


@pytest.mark.parametrize(("condition", "passing", "failing"), CASES, ids=[str(case[0]) for case in CASES])
def test_operator_holds_or_fails(condition: tuple, passing: list[Value], failing: list[Value]) -> None:
    rules = rule_set(rule("rule_1", condition))
    held = [rules.first_match(rules.values_of({condition[0]: value})) is not None for value in [*passing, *failing]]

    assert held == [True] * len(passing) + [False] * len(failing)


def test_every_operator_is_tried() -> None:
    assert {condition[1] for condition, _, _ in CASES} == OPERATORS.keys()
