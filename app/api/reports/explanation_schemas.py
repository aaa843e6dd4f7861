"""Schemas of explanations: which figure to explain, and the parts of lines that it adds up."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.reports.schemas import COLUMNS_OF_CELLS, LIVEMODE, VIEW, Month
from app.api.schemas import AS_OF, DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import Currency, WholeNumber
from projections.reads.recognition.report_cells import BYS, REPORTS
from projections.recognition.outcome import REVENUE

_AT_MOST = validate.Length(max=255)


class ExplanationQuery(Schema):
    """Which cell of a report to explain, and which page of it."""

    report = fields.String(required=True, validate=validate.OneOf(REPORTS))
    month = Month(required=True, metadata={"description": "The month; of the waterfall, the recognized one."})
    booked_month = Month(metadata={"description": "The booked month: of the waterfall alone, which needs it."})
    currency = Currency(required=True)
    by = fields.String(
        load_default="stream",
        validate=validate.OneOf(BYS),
        metadata={"description": "What the report is broken down by. Default: stream."},
    )
    stream_id = fields.String(validate=_AT_MOST, metadata={"description": "Without it, what is unmapped."})
    plan_id = fields.String(validate=_AT_MOST, metadata={"description": "Without it, what has no plan."})
    kind = fields.String(
        load_default=REVENUE,
        validate=validate.OneOf(COLUMNS_OF_CELLS),
        metadata={"description": "The kind of a cell of recognition. Default: revenue."},
    )
    view = VIEW
    livemode = LIVEMODE
    as_of = AS_OF
    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))

    @validates_schema(skip_on_field_errors=True)
    def _of_the_report(self, data: dict[str, Any], **_options: object) -> None:
        if data["report"] == "waterfall" and "booked_month" not in data:
            raise ValidationError("The waterfall needs it.", "booked_month")
        if data["report"] != "waterfall" and "booked_month" in data:
            raise ValidationError("Only the waterfall has it.", "booked_month")
        if data["report"] != "recognition" and data["kind"] != REVENUE:
            raise ValidationError("Only recognition has other kinds than revenue.", "kind")
        if data["by"] == "none" and data.get("stream_id"):
            raise ValidationError("With by=none a cell is of all streams.", "stream_id")
        if data["by"] != "plan" and data.get("plan_id"):
            raise ValidationError("Only with by=plan a cell is of a plan.", "plan_id")


class CellAmounts(Schema):
    """The amounts of a cell, in minor units of its currency; each report has its own."""

    earned = fields.Integer(metadata={"description": "In the month. Of recognition and deferred alone."})
    contra = fields.Integer(metadata={"description": "Taken back in the month. Of recognition and deferred alone."})
    net = fields.Integer(metadata={"description": "earned + contra. Of recognition alone."})
    opening = fields.Integer(metadata={"description": "Of deferred alone."})
    booked = fields.Integer(metadata={"description": "Of deferred alone."})
    closing = fields.Integer(metadata={"description": "Of deferred alone."})
    amount = fields.Integer(metadata={"description": "Of the waterfall alone."})


class Leaf(CellAmounts):
    """A step of a share of a line, and what it adds to the cell, in minor units of the cell's currency."""

    class Meta:
        """The fields, in order."""

        fields = (
            "object",
            "invoice_line_item_id",
            "invoice_id",
            "invoice_number",
            "customer_name",
            "description",
            "share",
            "step",
            "cause",
            "credit_note_id",
            "day",
            "step_amount",
            "position",
            "opening",
            "booked",
            "earned",
            "contra",
            "net",
            "closing",
            "amount",
        )

    object = fields.Constant("explanation")
    invoice_line_item_id = fields.String()
    invoice_id = fields.String()
    invoice_number = fields.String(allow_none=True)
    customer_name = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    share = fields.Integer(metadata={"description": "The number of the share in the line, from 0."})
    step = fields.Integer(metadata={"description": "0: the billing. From 1: later changes of the amount."})
    cause = fields.String()
    credit_note_id = fields.String(allow_none=True)
    day = fields.Date(attribute="booked_on", metadata={"description": "The day on which the step is booked."})
    step_amount = fields.Integer(metadata={"description": "What the step books of this share."})
    position = fields.Integer(metadata={"description": "The position of the event that last changed it."})


class Explanation(Schema):
    """A page of what a cell adds up, the largest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(Leaf))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()
    count = fields.Integer(metadata={"description": "How many there are on all pages."})
    total = fields.Nested(CellAmounts, metadata={"description": "The sums of all pages."})
    cell = fields.Nested(CellAmounts, metadata={"description": "The cell of the report itself."})
    sum_check = fields.Boolean(metadata={"description": "Whether total and cell are equal."})
