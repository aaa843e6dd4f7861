"""Schemas of reports: what a cell of each has, and what stands beside the cells."""

from marshmallow import Schema, fields, validate

from app.api.reports.schemas import COLUMNS_OF_CELLS, Month
from app.http.fields import Instant


class _Group(Schema):
    stream_id = fields.String(allow_none=True, metadata={"description": "Null: unmapped, or not broken down by it."})
    plan_id = fields.String(allow_none=True, metadata={"description": "Null: none, or not broken down by it."})
    currency = fields.String()
    currency_exponent = fields.Integer()


class RecognitionCell(_Group):
    """What a month recognizes. Amounts are in minor units of `currency`."""

    class Meta:
        """The fields, in order."""

        fields = (
            "object",
            "month",
            "stream_id",
            "plan_id",
            "currency",
            "currency_exponent",
            "kind",
            "earned",
            "contra",
            "net",
        )

    object = fields.Constant("recognition_cell")
    month = Month()
    kind = fields.String(validate=validate.OneOf(COLUMNS_OF_CELLS))
    earned = fields.Integer(metadata={"description": "Earned by the days of the month."})
    contra = fields.Integer(
        metadata={"description": "Taken back in the month, of days before it: a reduction is negative."}
    )
    net = fields.Integer(metadata={"description": "earned + contra."})


class DeferredCell(_Group):
    """How deferred revenue rolls forward in a month: closing = opening + booked - earned - contra."""

    class Meta:
        """The fields, in order."""

        fields = (
            "object",
            "month",
            "stream_id",
            "plan_id",
            "currency",
            "currency_exponent",
            "opening",
            "booked",
            "earned",
            "contra",
            "closing",
            "deferred",
            "unbilled",
        )

    object = fields.Constant("deferred_cell")
    month = Month()
    opening = fields.Integer()
    booked = fields.Integer(metadata={"description": "Billed in the month, less credits and write-offs of the month."})
    earned = fields.Integer()
    contra = fields.Integer()
    closing = fields.Integer(metadata={"description": "deferred - unbilled."})
    deferred = fields.Integer(metadata={"description": "Booked and not yet earned when the month ends."})
    unbilled = fields.Integer(metadata={"description": "Earned and not yet booked when the month ends."})


class WaterfallCell(_Group):
    """What was booked in one month and is recognized in another."""

    class Meta:
        """The fields, in order."""

        fields = (
            "object",
            "booked_month",
            "recognized_month",
            "stream_id",
            "plan_id",
            "currency",
            "currency_exponent",
            "amount",
        )

    object = fields.Constant("waterfall_cell")
    booked_month = Month()
    recognized_month = Month()
    amount = fields.Integer()


class Report(Schema):
    """The cells of a report at one moment, but for those that are zero."""

    object = fields.Constant("list")
    has_more = fields.Constant(False)  # noqa: FBT003 - the value itself
    next_cursor = fields.Constant(None)
    position = fields.Integer()
    data_through = Instant(allow_none=True, metadata={"description": "All invoices are there up to this time."})
    is_complete = fields.Boolean(
        metadata={"description": "Whether a sync has proven the table, and nothing that it needs is missing."}
    )
    left_out = fields.List(fields.String(), metadata={"description": "What is not in the figures, in words."})
    checksum = fields.String(metadata={"description": "SHA-256 of the cells: equal cells have equal checksums."})


class RecognitionReport(Report):
    """What each month recognizes."""

    data = fields.List(fields.Nested(RecognitionCell))


class DeferredReport(Report):
    """How deferred revenue rolls forward."""

    data = fields.List(fields.Nested(DeferredCell))


class WaterfallReport(Report):
    """What was booked in each month, by the months that recognize it."""

    data = fields.List(fields.Nested(WaterfallCell))
