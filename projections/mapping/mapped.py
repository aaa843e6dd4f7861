"""Map lines: an override of the line, else one of its subscription, else the first rule that matches. Pure."""

from typing import Literal, NamedTuple, get_args

from projections.mapping.fields import Value
from projections.mapping.rule_set import RuleSet, Subject, Values
from projections.recognition.outcome import UNMAPPED, Shares

Layer = Literal["line_override", "subscription_override", "rule", "unmapped"]

LAYERS: tuple[Layer, ...] = get_args(Layer)


class Overrides(NamedTuple):
    """The outcomes that people chose for a line or for its subscription, over all rules."""

    of_line: Shares | None = None
    of_subscription: Shares | None = None


class Mapped(NamedTuple):
    """What a line is mapped to, by which layer and rule, and of which version of the rules."""

    layer: Layer
    rule_id: str | None
    shares: Shares
    rules_version: int | None = None


class PassedOver(NamedTuple):
    """A rule before the one that matched, and its first condition that failed: what was asked, and what was found."""

    rule_id: str
    field: str
    op: str
    found: Value


class Explanation(NamedTuple):
    """Why a line is mapped as it is. Rules that `also_matched` would map it in turn if what maps it now were gone."""

    mapped: Mapped
    also_matched: tuple[str, ...]
    passed_over: tuple[PassedOver, ...]


NO_OVERRIDES = Overrides()
UNMAPPED_LINE = Mapped("unmapped", None, UNMAPPED)


def is_moved_whole(before: Mapped, after: Mapped) -> bool:
    """Return whether both recognize the same in the same months, in whatever stream."""
    if len(before.shares) > 1 or len(after.shares) > 1:
        return False
    (one,), (other,) = before.shares, after.shares
    return (one.kind, one.treatment) == (other.kind, other.treatment)


def mapped(rules: RuleSet, values: Values, overrides: Overrides = NO_OVERRIDES) -> Mapped:
    """Return what a line is mapped to, by the values of its tested fields."""
    if overrides.of_line is not None:
        return Mapped("line_override", None, overrides.of_line)
    if overrides.of_subscription is not None:
        return Mapped("subscription_override", None, overrides.of_subscription)
    ready = rules.first_match(values)
    return UNMAPPED_LINE if ready is None else Mapped("rule", ready.rule.rule_id, ready.shares(values))


def explained(rules: RuleSet, subject: Subject, overrides: Overrides = NO_OVERRIDES) -> Explanation:
    """Return why a line is mapped as it is."""
    values = rules.values_of(subject)
    result = mapped(rules, values, overrides)
    passed_over: list[PassedOver] = []
    also_matched: list[str] = []
    for ready in rules.rules:
        check = ready.failed(values)
        if check is None:
            also_matched.append(ready.rule.rule_id)
        elif not also_matched and result.layer in {"rule", "unmapped"}:
            passed_over.append(PassedOver(ready.rule.rule_id, check.field, check.op, subject.get(check.field)))
    if result.layer == "rule":
        del also_matched[0]
    return Explanation(result, tuple(also_matched), tuple(passed_over))
