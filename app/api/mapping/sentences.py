"""Say in words what may be amiss with rules that can be used."""

from collections.abc import Iterator, Sequence

from projections.mapping.advice import advice_on
from projections.mapping.reading_rules import read_rules
from projections.mapping.shadows import unreachable
from projections.mapping.writing_rules import Json


def advice_about(rules: Sequence[Json]) -> list[dict[str, str]]:
    """Return advice on rules that were read before, each with the rule's id and a sentence."""
    return [{"rule_id": rule_id, "detail": detail} for rule_id, detail in _advice(rules)]


def _advice(rules: Sequence[Json]) -> Iterator[tuple[str, str]]:
    read = read_rules(list(rules), lambda: "rule_new")
    for found in unreachable(read):
        if found.shadowed_by is None:
            yield found.rule_id, "No line can match this rule: its conditions contradict each other."
        else:
            yield found.rule_id, f"This rule maps no line: {found.shadowed_by} matches all of its lines first."
    for advice in advice_on(read):
        yield advice.rule_id, f"Whoever renames it moves its lines: test {advice.better} instead of {advice.field}."
