"""Schemas of streams, rules and policies, from which the OpenAPI document is made.

Rules, outcomes and treatments are read by `projections.mapping`, which says where something is wrong in them.
"""

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.people.paging import PageQuery
from app.api.schemas import AS_OF
from app.http.fields import IdempotencyKey, Instant, Name
from projections.mapping.decisions.payloads import MAX_REASON

TREATMENT: dict[str, Any] = {
    "type": "object",
    "description": 'When revenue is earned: `{"kind": "period"}`, `{"kind": "booked"}`, or'
    ' `{"kind": "months", "n": 12, "from": "booked"}` or from `period_start`.',
}
OUTCOME: dict[str, Any] = {
    "type": "object",
    "description": '`{"shares": […]}`: shares with `bp`, which come to 10000, `stream_id`, `plan_id`, `kind` and'
    " `treatment`.",
    "required": ["shares"],
    "properties": {"shares": {"type": "array", "items": {"type": "object"}}},
}
RULES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object"},
    "description": "The rules, in the order in which they are asked.",
}


class Reason(fields.String):
    """Why somebody decided something."""

    def __init__(self) -> None:
        super().__init__(
            load_default=None,
            allow_none=True,
            validate=validate.Length(1, MAX_REASON),
            metadata={"description": "Why, for those who read the audit."},
        )


class AsOfQuery(Schema):
    """The moment as of which to read."""

    as_of = AS_OF


class KeyedRequest(Schema):
    """A request that may be repeated."""

    idempotency_key = IdempotencyKey(
        metadata={"description": "Repeating a request with the same Idempotency-Key has no further effect."}
    )


class Plan(Schema):
    """A plan of a stream."""

    id = fields.String()
    name = fields.String()
    archived = fields.Boolean()


class RevenueStream(Schema):
    """A stream in which revenue is reported."""

    object = fields.Constant("revenue_stream")
    id = fields.String()
    name = fields.String()
    code = fields.String(allow_none=True, metadata={"description": "Its code elsewhere, such as an account's number."})
    archived = fields.Boolean(
        metadata={"description": "Whether it is closed to lines that were booked since it was archived."}
    )
    default_treatment = fields.Raw(allow_none=True, metadata=TREATMENT)
    plans = fields.List(fields.Nested(Plan))


class RevenueStreamList(Schema):
    """All streams with their plans, oldest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(RevenueStream))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()


class NewStream(Schema):
    """A stream to add."""

    name = Name(required=True)
    code = Name(load_default=None, allow_none=True, metadata={"description": "Its code elsewhere."})
    default_treatment = fields.Raw(load_default=None, allow_none=True, metadata=TREATMENT)


class StreamChanges(Schema):
    """What to change of a stream; what is left out stays as it is."""

    name = Name()
    code = Name(allow_none=True, metadata={"description": "Its code elsewhere."})
    default_treatment = fields.Raw(allow_none=True, metadata=TREATMENT)
    archived = fields.Boolean(truthy={True}, falsy={False})


class NewPlan(Schema):
    """A plan to add."""

    name = Name(required=True)


class PlanChanges(Schema):
    """What to change of a plan; what is left out stays as it is."""

    name = Name()
    archived = fields.Boolean(truthy={True}, falsy={False})


class RuleAdvice(Schema):
    """What may be amiss with a rule that can be used."""

    rule_id = fields.String()
    detail = fields.String()


class RuleDraft(Schema):
    """The draft of rules, or the published rules as long as nobody has saved another one."""

    object = fields.Constant("rule_draft")
    based_on = fields.Integer(metadata={"description": "The version that it was made from; 0 if there was none."})
    rules = fields.List(fields.Dict(), metadata={"description": RULES["description"]})
    advice = fields.List(fields.Nested(RuleAdvice))
    updated_at = Instant(allow_none=True, metadata={"description": "Null as long as nobody has saved a draft."})
    updated_by = fields.String(allow_none=True, metadata={"description": "user:ID or api_key:ID."})


class SeenDraft(Schema):
    """Which draft the caller has seen."""

    if_match = fields.String(
        data_key="If-Match",
        metadata={"description": "The ETag of the draft as it was read. Without it: 428; with another one: 412."},
    )


class NewRuleDraft(Schema):
    """The rules to save."""

    rules = fields.Raw(required=True, metadata=RULES)


class RuleSet(Schema):
    """A published rule set."""

    object = fields.Constant("rule_set")
    version = fields.Integer()
    based_on = fields.Integer(metadata={"description": "The version that it was made from; 0 if there was none."})
    note = fields.String(allow_none=True)
    rules = fields.List(fields.Dict(), metadata={"description": RULES["description"]})
    published_at = Instant()
    published_by = fields.String(allow_none=True, metadata={"description": "user:ID or api_key:ID."})
    position = fields.Integer(metadata={"description": "The position of the fact that published it."})


class RuleSetsQuery(AsOfQuery, PageQuery):
    """The moment as of which to read, and which page of the list."""


class RuleSetList(Schema):
    """Published rule sets, newest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(RuleSet))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()
