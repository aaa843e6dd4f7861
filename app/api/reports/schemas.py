"""Schemas of reports: which cells to return, and what a cell of each report has."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.schemas import AS_OF
from app.http.fields import Currency, Flag, Several
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
