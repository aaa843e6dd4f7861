"""Rules made ready to be asked: the first one that matches a line maps it whole. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import NamedTuple

from projections.mapping.fields import APPLIES_BY, FieldType, Value, comparable, type_of
from projections.mapping.operators import Test, test_of
from projections.mapping.rules import AnyRule, Applies, Condition, LookupRule, Rule
from projections.recognition.outcome import Share, Shares
from projections.recognition.rounding import WHOLE

# What a line has in each field that may be tested, by name; a field that is missing is empty.
Subject = Mapping[str, Value]
# What the tested fields of a line come to, in the order of `RuleSet.fields`.
Values = tuple[Value, ...]

# A worker may hold the rules of many companies.
_MOST_REMEMBERED = 1 << 12


class Check(NamedTuple):
    """A test of one of the tested fields, and how it is written in the rule."""

    place: int
    test: Test
    field: str
    op: str


class ReadyRule(NamedTuple):
    """A rule with its tests: all of `needed` have to hold and, if there are any, one of `alternatives`.

    `table` has the outcomes of a rule that looks them up by the value of its last needed check.
    """

    rule: AnyRule
    needed: tuple[Check, ...]
    alternatives: tuple[Check, ...] = ()
    table: Mapping[Value, Shares] | None = None

    @property
    def outcomes(self) -> tuple[Shares, ...]:
        """Return all outcomes that it may have."""
        if self.table is not None:
            return tuple(self.table.values())
        return (self.rule.outcome,) if isinstance(self.rule, Rule) else ()

    def failed(self, values: Values) -> Check | None:
        """Return the check that fails, the first if there are several, or None if the rule matches."""
        for check in self.needed:
            if not check.test(values[check.place]):
                return check
        for check in self.alternatives:
            if check.test(values[check.place]):
                return None
        return self.alternatives[0] if self.alternatives else None

    def shares(self, values: Values) -> Shares:
        """Return the outcome for a line that matches."""
        if self.table is not None:
            return self.table[values[self.needed[-1].place]]
        return self.rule.outcome if isinstance(self.rule, Rule) else ()


class RuleSet:
    """Enabled rules in their order, and the fields that they test.

    Lines that have the same in all of these fields are mapped alike, so it is enough to ask once for all of them.
    """

    def __init__(self, rules: Iterable[AnyRule]) -> None:
        self._places: dict[str, int] = {}
        self._types: list[FieldType] = []
        self._remembered: dict[Values, ReadyRule | None] = {}
        self.rules = tuple(self._ready(rule) for rule in rules if rule.is_enabled)
        self.fields = tuple(self._places)

    def values_of(self, subject: Subject) -> Values:
        """Return what the tested fields of a line come to."""
        return tuple(map(comparable, self._types, map(subject.get, self.fields)))

    def first_match(self, values: Values) -> ReadyRule | None:
        """Return the first rule that matches, or None."""
        try:
            return self._remembered[values]
        except KeyError:
            found = next(self._matching(values), None)
        self._remember(values, found)
        return found

    def matches(self, values: Values) -> list[ReadyRule]:
        """Return all rules that match, in their order."""
        found = list(self._matching(values))
        self._remember(values, found[0] if found else None)
        return found

    def _matching(self, values: Values) -> Iterator[ReadyRule]:
        return (ready for ready in self.rules if ready.failed(values) is None)

    def _remember(self, values: Values, first: ReadyRule | None) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[values] = first

    def _ready(self, rule: AnyRule) -> ReadyRule:
        needed = () if rule.applies is None else (self._applies(rule.applies),)
        if isinstance(rule, LookupRule):
            looked_up = Condition(rule.field, "in", tuple(rule.table))
            check = self._check(looked_up)._replace(op="lookup")
            field_type = self._types[check.place]
            streams = {value: (Share(WHOLE, stream_id),) for value, stream_id in rule.table.items()}
            table = {comparable(field_type, value): shares for value, shares in streams.items()}
            return ReadyRule(rule, (*needed, check), table=table)
        checks = tuple(self._check(condition) for condition in rule.conditions)
        if rule.match == "any":
            return ReadyRule(rule, needed, checks)
        return ReadyRule(rule, (*needed, *checks))

    def _check(self, condition: Condition) -> Check:
        place = self._place(condition.field)
        return Check(place, test_of(condition), condition.field, condition.op)

    def _applies(self, applies: Applies) -> Check:
        field = APPLIES_BY[applies.by]
        return Check(self._place(field), partial(_is_within, applies), field, "applies")

    def _place(self, field: str) -> int:
        if field not in self._places:
            self._places[field] = len(self._types)
            self._types.append(type_of(field))
        return self._places[field]


def _is_within(applies: Applies, day: Value) -> bool:
    return (
        isinstance(day, date)
        and (applies.since is None or applies.since <= day)
        and (applies.until is None or day < applies.until)
    )
