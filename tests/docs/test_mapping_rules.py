"""docs/mapping-rules.md names the fields, operators, treatments and limits that there are, and its example works."""

import json
import re

from projections.mapping import reading_conditions, reading_outcomes, reading_rules, reading_values
from projections.mapping.fields import METADATA_OWNERS, known_fields
from projections.mapping.operators import OPERATORS
from projections.mapping.reading_outcomes import read_treatment
from projections.mapping.reading_rules import read_rules
from projections.recognition.outcome import KINDS, TREATMENT_KINDS
from tests.docs.markdown import DOCS, named_in, rows, section

PAGE = DOCS / "mapping-rules.md"


def test_fields_are_those_that_rules_may_test() -> None:
    cells = [named_in(row[1]) for row in rows(section(PAGE, "Fields"))]
    metadata = next(names for names in cells if names[0] == "KEY")

    assert sorted(name for names in cells if names is not metadata for name in names) == sorted(known_fields())
    assert metadata[1:] == [f"{owner}.metadata." for owner in METADATA_OWNERS]


def test_operators_are_those_that_there_are() -> None:
    assert sorted(name for row in rows(section(PAGE, "Operators")) for name in named_in(row[0])) == sorted(OPERATORS)


def test_kinds_and_treatments_are_those_that_there_are() -> None:
    named = [named_in(row[0])[0] for row in rows(section(PAGE, "Outcomes"))]

    assert named[: len(KINDS)] == list(KINDS)
    treatments = [read_treatment(json.loads(text)) for text in named[len(KINDS) :]]
    assert [treatment and treatment.kind for treatment in treatments] == list(TREATMENT_KINDS)


def test_limits_are_those_that_hold() -> None:
    assert {row[0]: int(row[1]) for row in rows(section(PAGE, "Limits"))} == {
        "rules": reading_rules.MAX_RULES,
        "conditions of a rule": reading_conditions.MAX_CONDITIONS,
        "values of a condition": reading_conditions.MAX_OPERANDS,
        "entries of a lookup table": reading_rules.MAX_TABLE,
        "shares of an outcome": reading_outcomes.MAX_SHARES,
        "months of a treatment": reading_outcomes.MAX_MONTHS,
        "characters of a value": reading_values.MAX_TEXT,
    }


def test_example_can_be_read() -> None:
    example = re.search(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)

    assert example is not None
    assert [rule.rule_id for rule in read_rules(json.loads(example[1]), str)] == ["rule_7", "rule_8"]
