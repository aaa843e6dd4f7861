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


class EffectCount:
    """A count of what rules do, to which lines are added."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._matches: Counter[str] = Counter()
        # For each rule, how many of the lines that it matches each rule maps.
        self._mapped_by: dict[str, Counter[str]] = {ready.rule.rule_id: Counter() for ready in rules.rules}

    def add(self, values: Values, count: int) -> None:
        """Add lines, given as the values of tested fields and how many lines have them."""
        first: str | None = None
        for ready in self._rules.matches(values):
            rule_id = ready.rule.rule_id
            first = first or rule_id
            self._matches[rule_id] += count
            self._mapped_by[rule_id][first] += count

    def effects(self) -> list[RuleEffect]:
        """Return the effect of each rule on the lines that were added."""
        return [self._effect_of(rule_id, takers) for rule_id, takers in self._mapped_by.items()]

    def _effect_of(self, rule_id: str, takers: Counter[str]) -> RuleEffect:
        matches = self._matches[rule_id]
        is_shadowed = matches > 0 and not takers[rule_id]
        # Of rules that map equally many, the first in the list.
        shadow = max(self._mapped_by, key=takers.__getitem__) if is_shadowed else None
        return RuleEffect(rule_id, matches, takers[rule_id], shadow)


def effects_of(rules: RuleSet, lines: Iterable[tuple[Values, int]]) -> list[RuleEffect]:
    """Return the effect of each rule on lines, given as the values of tested fields and how many lines have them."""
    count = EffectCount(rules)
    for values, lines_with_them in lines:
        count.add(values, lines_with_them)
    return count.effects()
