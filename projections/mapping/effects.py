"""Count what rules do to lines: which they match, which they map, and which rule stands in their way. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from projections.mapping.rule_set import RuleSet, Values


class RuleEffect(NamedTuple):
    """What a rule does to lines.

    It matches some, and maps those that no rule before it matches. If it maps none that it matches, it is shadowed by
    the rule that maps most of them; if it matches none, it is dead.
    """

    rule_id: str
    matches: int
    first_matches: int
    shadowed_by: str | None

    @property
    def is_dead(self) -> bool:
        """Return whether no line matches."""
        return self.matches == 0


def effects_of(rules: RuleSet, lines: Iterable[tuple[Values, int]]) -> list[RuleEffect]:
    """Return the effect of each rule on lines, given as the values of tested fields and how many lines have them."""
    matches: Counter[str] = Counter()
    mapped_by: dict[str, Counter[str]] = {ready.rule.rule_id: Counter() for ready in rules.rules}
    for values, count in lines:
        first: str | None = None
        for ready in rules.matches(values):
            rule_id = ready.rule.rule_id
            first = first or rule_id
            matches[rule_id] += count
            mapped_by[rule_id][first] += count
    effects = []
    for rule_id, takers in mapped_by.items():
        is_shadowed = matches[rule_id] > 0 and not takers[rule_id]
        # Of rules that map equally many, the first in the list.
        shadow = max(mapped_by, key=takers.__getitem__) if is_shadowed else None
        effects.append(RuleEffect(rule_id, matches[rule_id], takers[rule_id], shadow))
    return effects
