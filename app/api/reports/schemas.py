"""Schemas of reports: which cells to return, and what a cell of each report has."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.schemas import AS_OF
from app.http.fields import Currency, Flag, Instant, Several
from projections.reads.export import AMOUNTS
from projections.reads.recognition.report_cells import BYS
from projections.reads.recognition.spread_parts import EXPENSE
from projections.recognition.days import month_named, month_text
from projections.recognition.outcome import KINDS

VIEWS = ("truth", "books")
COLUMNS_OF_CELLS = (*KINDS, EXPENSE)
_MONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")


class Month(fields.Field[int]):
    """A month as YYYY-MM; in Python the number of months before it."""

    def _serialize(self, value: int | None, *_context: Any, **_options: Any) -> str | None:  # noqa: ANN401
        return None if value is None else month_text(value)

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> int:  # noqa: ANN401
        if not isinstance(value, str) or not _MONTH.fullmatch(value):
            raise ValidationError("Not a month written YYYY-MM.")
        return month_named(value)


LIVEMODE = Flag(metadata={"description": "Default: the mode of the company's connection."})
VIEW = fields.String(
    load_default="truth",
    validate=validate.OneOf(VIEWS),
    metadata={"description": "truth: as known. books: as closed; the same as long as no month is closed."},
)


class MonthsQuery(Schema):
    """Which months of a report to return, and what to break them down by."""

    first = Month(
        data_key="from", metadata={"description": "Inclusive. Default: the first month in which anything is booked."}
    )
    last = Month(data_key="to", metadata={"description": "Inclusive. Default: the current month."})
    by = fields.String(
        load_default="stream",
        validate=validate.OneOf(BYS),
        metadata={"description": "What to break down by. Default: stream."},
    )
    view = VIEW
    livemode = LIVEMODE
    as_of = AS_OF

    @validates_schema(skip_on_field_errors=True)
    def _months_in_order(self, data: dict[str, Any], **_options: object) -> None:
        if "first" in data and "last" in data and data["first"] > data["last"]:
            raise ValidationError("from is after to.", "from")


class ReportQuery(MonthsQuery):
    """Which cells of a report to return."""

    currency = Several(Currency())


class ReportExport(ReportQuery):
    """Which cells of a report to export, and how to write their amounts."""

    amounts = fields.String(
        load_default="decimal",
        validate=validate.OneOf(AMOUNTS),
        metadata={
            "description": "decimal: in major units, with the decimals of the currency (1234.00). minor: in whole minor"
            " units (123400). Default: decimal."
        },
    )


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
