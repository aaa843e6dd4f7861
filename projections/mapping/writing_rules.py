"""Write rules as the JSON that they are read from. Pure."""

from typing import Any

from projections.mapping.rules import AnyRule, Applies, Condition, LookupRule, Rules
from projections.recognition.outcome import REVENUE, Share, Treatment

Json = dict[str, Any]


def document_of(rules: Rules) -> list[Json]:
    """Return rules as a list to be encoded as JSON. Reading it gives the same rules."""
    return [_rule(rule) for rule in rules]


def outcome_document(shares: tuple[Share, ...]) -> Json:
    """Return an outcome as an object to be encoded as JSON."""
    return {"shares": [_share(share) for share in shares]}


def treatment_document(treatment: Treatment) -> Json:
    """Return a treatment as an object to be encoded as JSON."""
    if treatment.kind != "months":
        return {"kind": treatment.kind}
    return {"kind": treatment.kind, "n": treatment.months, "from": treatment.anchor}


def _rule(rule: AnyRule) -> Json:
    common: Json = {"id": rule.rule_id, "name": rule.name, "enabled": rule.is_enabled}
    if rule.applies is not None:
        common["applies"] = _applies(rule.applies)
    if isinstance(rule, LookupRule):
        return {**common, "lookup": {"field": rule.field, "table": dict(rule.table)}}
    conditions = [_condition(condition) for condition in rule.conditions]
    return {**common, "match": rule.match, "conditions": conditions, "outcome": outcome_document(rule.outcome)}


def _applies(applies: Applies) -> Json:
    since, until = applies.since, applies.until
    return {"by": applies.by, "from": since and since.isoformat(), "to": until and until.isoformat()}


def _condition(condition: Condition) -> Json:
    written: Json = {"field": condition.field, "op": condition.op}
    if condition.value is not None:
        written["value"] = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    return written


def _share(share: Share) -> Json:
    written: Json = {"bp": share.basis_points, "stream_id": share.stream_id}
    if share.plan_id is not None:
        written["plan_id"] = share.plan_id
    if share.kind != REVENUE:
        written["kind"] = share.kind
    if share.treatment is not None:
        written["treatment"] = treatment_document(share.treatment)
    return written
