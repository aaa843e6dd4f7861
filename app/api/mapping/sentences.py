"""Say in words what may be amiss with rules that can be used."""

from collections.abc import Sequence

from projections.mapping.advice import advice_on
from projections.mapping.reading_rules import read_rules
from projections.mapping.writing_rules import Json


def advice_about(rules: Sequence[Json]) -> list[dict[str, str]]:
    """Return advice on rules that were read before, each with the rule's id and a sentence."""
    read = read_rules(list(rules), lambda: "rule_new")
    return [
        {
            "rule_id": advice.rule_id,
            "detail": f"Whoever renames it moves its lines: test {advice.better} instead of {advice.field}.",
        }
        for advice in advice_on(read)
    ]
