"""Schemas of what is recognized of a line: its parts, steps and months, and what maps it."""

from marshmallow import Schema, fields

from app.api.reports.schemas import COLUMNS_OF_CELLS

_LAYERS = "line_override, subscription_override, rule or unmapped."


class LinePart(Schema):
    """A share of a line."""

    stream_id = fields.String(allow_none=True, metadata={"description": "Null: unmapped."})
    plan_id = fields.String(allow_none=True)
    kind = fields.String(metadata={"description": f"One of {', '.join(COLUMNS_OF_CELLS[:-1])}."})
    bp = fields.Integer(attribute="basis_points", metadata={"description": "How much of the line, in basis points."})
    treatment = fields.Dict(
        allow_none=True,
        metadata={"description": "When it is earned: its kind is period, booked or months. Null if it is no revenue."},
    )
    starts_on = fields.Date(metadata={"description": "The first day over which it is earned."})
    ends_on = fields.Date(metadata={"description": "The day after the last one."})


class LineStep(Schema):
    """A dated change of a line's amount."""

    step = fields.Integer()
    cause = fields.String()
    day = fields.Date(attribute="booked_on")
    day_is_estimated = fields.Boolean(
        metadata={"description": "Whether the event's own day stands in, because Stripe does not say."}
    )
    credit_note_id = fields.String(allow_none=True)
    position = fields.Integer(metadata={"description": "The event behind it."})
    amount = fields.Integer()


class LineMonth(Schema):
    """What a part recognizes in a month. `part` is its place among the parts."""

    month = fields.String()
    part = fields.Integer(attribute="share_number")
    earned = fields.Integer()
    contra = fields.Integer()
    expense = fields.Integer(metadata={"description": "How much of contra is an expense, and reduces no revenue."})
    sum = fields.String(
        metadata={"description": "The arithmetic of earned + contra; round is to whole minor units, halves to even."}
    )


class FailedCondition(Schema):
    """A condition that a line does not meet: what is tested, how, and what the line has."""

    field = fields.String()
    op = fields.String()
    found = fields.Raw(allow_none=True)


class PassedOverRule(Schema):
    """A rule that a line does not meet, and its first condition that fails."""

    rule_id = fields.String()
    failed = fields.Nested(FailedCondition)


class LineMapping(Schema):
    """What mapped a line."""

    layer = fields.String(metadata={"description": _LAYERS})
    rule_id = fields.String(allow_none=True)
    rules_version = fields.Integer(allow_none=True)
    also_matched = fields.List(
        fields.String(),
        allow_none=True,
        metadata={"description": "Other rules that it meets, which come later. Null as of a past moment."},
    )
    passed_over = fields.List(
        fields.Nested(PassedOverRule),
        allow_none=True,
        metadata={"description": "Earlier rules that it does not meet. Null as of a past moment."},
    )


class LineRecognition(Schema):
    """What is recognized of a line. Amounts are in minor units of `currency`."""

    object = fields.Constant("line_recognition")
    invoice_line_item_id = fields.String()
    invoice_id = fields.String()
    currency = fields.String()
    currency_exponent = fields.Integer()
    parts = fields.List(fields.Nested(LinePart))
    steps = fields.List(fields.Nested(LineStep))
    months = fields.List(fields.Nested(LineMonth))
    mapping = fields.Nested(LineMapping)
    sum_check = fields.Boolean(
        metadata={"description": "Whether the arithmetic gives each month as stored, and the months give the steps."}
    )
    position = fields.Integer()
