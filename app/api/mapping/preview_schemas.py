"""Schemas of previews of rules."""

from marshmallow import Schema, fields, validate

from app.api.mapping.schemas import TREATMENT
from app.http.fields import Instant
from mapping.figures import LINE_CHANGES

STATUSES = ("queued", "running", "ready", "publishing", "published", "failed", "stale", "canceled")
_MAX_NOTE = 500


class PreviewCell(Schema):
    """What is recognized in a month, of a stream and a currency: now, and by the rules of the preview."""

    month = fields.String(metadata={"description": "YYYY-MM."})
    stream_id = fields.String(allow_none=True, metadata={"description": "Null: unmapped."})
    currency = fields.String()
    currency_exponent = fields.Integer()
    closed = fields.Boolean(metadata={"description": "Whether the month is closed."})
    before = fields.Integer(metadata={"description": "Revenue, net of contra, in minor units."})
    after = fields.Integer(metadata={"description": "The same by the rules of the preview."})


class LineCounts(Schema):
    """How many lines change, by kind of change; each counts once."""

    newly_mapped = fields.Integer()
    moved = fields.Integer(metadata={"description": "To other streams, plans or kinds."})
    unmapped = fields.Integer()
    resplit = fields.Integer(metadata={"description": "Only the shares differ."})
    retreated = fields.Integer(metadata={"description": "Only the treatments differ."})


class PreviewShare(Schema):
    """A share of a line."""

    stream_id = fields.String(allow_none=True)
    plan_id = fields.String(allow_none=True)
    kind = fields.String()
    bp = fields.Integer(metadata={"description": "Basis points of the line."})
    treatment = fields.Raw(allow_none=True, metadata=TREATMENT)


class PreviewLine(Schema):
    """A line that changes."""

    invoice_id = fields.String()
    invoice_line_item_id = fields.String()
    currency = fields.String()
    currency_exponent = fields.Integer()
    net_amount = fields.Integer()
    change = fields.String(validate=validate.OneOf(LINE_CHANGES))
    before = fields.List(fields.Nested(PreviewShare))
    after = fields.List(fields.Nested(PreviewShare))


class RuleEffect(Schema):
    """What a rule does to the lines."""

    rule_id = fields.String()
    matches = fields.Integer(metadata={"description": "How many lines match."})
    first_matches = fields.Integer(metadata={"description": "Those that no rule before it matches."})
    shadowed_by = fields.String(
        allow_none=True, metadata={"description": "The rule that maps most of its lines, if it maps none itself."}
    )
    is_dead = fields.Boolean(metadata={"description": "Whether no line matches."})


class Published(Schema):
    """What became of a preview that was published."""

    version = fields.Integer()
    position = fields.Integer(metadata={"description": "The position of the fact that published it."})
    rebased = fields.Boolean(metadata={"description": "Whether what came since the preview changed its figures."})
    since = fields.List(fields.Nested(PreviewCell), metadata={"description": "What came since the preview alone."})


class RulePreview(Schema):
    """What a rule set would change in all lines."""

    object = fields.Constant("rule_preview")
    id = fields.Integer()
    status = fields.String(validate=validate.OneOf(STATUSES))
    based_on = fields.Integer(metadata={"description": "The published version that it compares with; 0: no rules."})
    reverts_to = fields.Integer(allow_none=True, metadata={"description": "The version that it brings back, if any."})
    livemode = fields.Boolean()
    requested_at = Instant()
    requested_by = fields.String(metadata={"description": "user:ID or api_key:ID."})
    lines_done = fields.Integer(metadata={"description": "How many lines have been looked at."})
    lines_total = fields.Integer(allow_none=True)
    finished_at = Instant(allow_none=True)
    failure = fields.String(allow_none=True, metadata={"description": "Why it failed, and what to do."})
    position = fields.Integer(allow_none=True, metadata={"description": "The position that it is of, once ready."})
    checksum = fields.String(allow_none=True)
    cells = fields.List(fields.Nested(PreviewCell))
    lines = fields.Nested(LineCounts)
    top_lines = fields.List(fields.Nested(PreviewLine), metadata={"description": "The 20 largest that change."})
    rules = fields.List(fields.Nested(RuleEffect))
    note = fields.String(allow_none=True)
    published = fields.Nested(Published, allow_none=True)


class Publishing(Schema):
    """How to publish."""

    note = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, _MAX_NOTE),
        metadata={"description": "What changed and why, for those who read the versions."},
    )
    closed = fields.String(
        validate=validate.OneOf(["catch_up"]),
        metadata={"description": "What becomes of changes of closed months: shown in the first open one."},
    )
