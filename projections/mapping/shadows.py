"""Find rules that can map no line, by how they are written: before any line is looked at. Pure.

What is found is certain. What is not found may still be so for the lines that there are: `effects` counts those.
"""

from typing import NamedTuple

from projections.mapping.fields import Value
from projections.mapping.operators import Test, operands_of, test_of
from projections.mapping.rules import AnyRule, Applies, Condition, LookupRule, Match, Rules


class Finding(NamedTuple):
    """A rule that can map no line: no line can match it or, if there is `shadowed_by`, that rule matches first."""

    rule_id: str
    shadowed_by: str | None


class _Known(NamedTuple):
    condition: Condition
    operands: tuple[Value, ...]
    test: Test


class _Together(NamedTuple):
    """Conditions that hold together whenever a rule matches; a rule that matches if any one holds has several."""

    known: tuple[_Known, ...]
    written: frozenset[Condition]


class _Shape(NamedTuple):
    rule_id: str
    match: Match
    conditions: tuple[_Known, ...]
    alternatives: tuple[_Together, ...]
    applies: Applies | None


_CONTAINS = frozenset({"contains", "contains_all", "contains_any"})
_UNEQUAL = frozenset({"is_not", "not_in"})
_EQUAL = frozenset({"is", "in", "is_empty"})
_BELOW, _ABOVE = frozenset({"lt", "lte"}), frozenset({"gt", "gte"})
# Which conditions are proven to hold by asking them about the operands of another one that holds.
_PROVES: dict[str, frozenset[str]] = {
    **dict.fromkeys(_BELOW, _BELOW),
    **dict.fromkeys(_ABOVE, _ABOVE),
    **dict.fromkeys(_CONTAINS, _CONTAINS),
    "between": _BELOW | _ABOVE | {"between"},
    "starts_with": _CONTAINS | {"starts_with"},
    "ends_with": _CONTAINS | {"ends_with"},
}


def unreachable(rules: Rules) -> list[Finding]:
    """Return the enabled rules that can map no line, in their order."""
    findings: list[Finding] = []
    before: list[_Shape] = []
    for rule in rules:
        if not rule.is_enabled:
            continue
        shape = _shape(rule)
        if all(_is_contradictory(together.known) for together in shape.alternatives):
            findings.append(Finding(shape.rule_id, None))
            continue
        shadow = next((other for other in before if _covers(other, shape)), None)
        if shadow is not None:
            findings.append(Finding(shape.rule_id, shadow.rule_id))
        else:
            before.append(shape)
    return findings


def _shape(rule: AnyRule) -> _Shape:
    looked_up = (Condition(rule.field, "in", tuple(rule.table)),) if isinstance(rule, LookupRule) else rule.conditions
    match: Match = "all" if isinstance(rule, LookupRule) else rule.match
    known = tuple(_Known(condition, _equal_to(condition), test_of(condition)) for condition in looked_up)
    groups = [known] if match == "all" else [(one,) for one in known]
    alternatives = tuple(_Together(group, frozenset(one.condition for one in group)) for group in groups)
    return _Shape(rule.rule_id, match, known, alternatives, rule.applies)


def _equal_to(condition: Condition) -> tuple[Value, ...]:
    return (None,) if condition.op == "is_empty" else operands_of(condition)


def _is_contradictory(together: tuple[_Known, ...]) -> bool:
    for known in together:
        if known.condition.op in _EQUAL:
            tests = [other.test for other in together if other.condition.field == known.condition.field]
            if not any(all(test(value) for test in tests) for value in known.operands):
                return True
    return False


def _covers(earlier: _Shape, later: _Shape) -> bool:
    """Return whether the earlier rule matches all that the later one does."""
    if not _applies_whenever(earlier.applies, later.applies):
        return False
    enough = all if earlier.match == "all" else any
    return all(
        enough(
            wanted.condition in together.written or any(_implies(known, wanted) for known in together.known)
            for wanted in earlier.conditions
        )
        for together in later.alternatives
    )


def _implies(known: _Known, wanted: _Known) -> bool:
    if known.condition.field != wanted.condition.field:
        return False
    op, wanted_op = known.condition.op, wanted.condition.op
    if op in _UNEQUAL:
        return wanted_op in _UNEQUAL and set(wanted.operands) <= set(known.operands)
    if wanted_op == "is_present":
        return op != "is_empty"
    if op == wanted_op == "contains_all" and set(wanted.operands) <= set(known.operands):
        return True
    is_proof = op in _EQUAL or wanted_op in _PROVES.get(op, frozenset())
    enough = any if op == "contains_all" else all
    return is_proof and enough(wanted.test(operand) for operand in known.operands)


def _applies_whenever(earlier: Applies | None, later: Applies | None) -> bool:
    if earlier is None:
        return True
    return (
        later is not None
        and earlier.by == later.by
        and (earlier.since is None or (later.since is not None and earlier.since <= later.since))
        and (earlier.until is None or (later.until is not None and later.until <= earlier.until))
    )
