"""docs/conformance.md names every defect and complaint once, each with tests that exist."""

import ast

from tests.support.conformance import held_defects, holding_tests
from tests.support.paths import ROOT


def test_every_defect_and_complaint_is_held_by_tests_that_exist() -> None:
    numbers = [*(f"D{number}" for number in range(1, 28)), *(f"C{number}" for number in range(1, 21))]
    modules = {test.partition("::")[0] for test in holding_tests()}
    functions = {
        f"{module}::{node.name}"
        for module in modules
        for node in ast.parse((ROOT / module).read_text()).body
        if isinstance(node, ast.FunctionDef)
    }

    assert list(held_defects()) == numbers
    assert all(held_defects().values())
    assert holding_tests() - functions == set()
