"""Schemas of scheduled exports, from which their JSON and the OpenAPI document are made."""

from datetime import date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.exports.schemas import LinesExport
from app.http.fields import IdempotencyKey, Instant, WholeNumber, Words
from projections.reads.table.filters import SEVERAL
from projections.recognition.days import zone_names

_FORMATS = ("csv", "xlsx")
_RECURS = ("daily", "monthly")
_MOST_EMAILS = 20


class ViewOfLines(LinesExport):
    """Which lines to export, in which order and with which columns: parameters of the export, but for `as_of`."""

    class Meta:
        """What the parameters leave out."""

        exclude = ("as_of",)


class ScheduleFields(Schema):
    """What is exported, when, and who is told by e-mail."""

    format = fields.String(validate=validate.OneOf(_FORMATS))
    view = fields.Nested(ViewOfLines)
    recurs = fields.String(validate=validate.OneOf(_RECURS))
    day = WholeNumber(
        allow_none=True,
        validate=validate.Range(1, 31),
        metadata={"description": "Of the month, when monthly. Of shorter months it is the last day."},
    )
    hour = WholeNumber(validate=validate.Range(0, 23), metadata={"description": "On the clocks of the time zone."})
    time_zone = Words(metadata={"description": "Such as Europe/Zurich. Default: the company's."})
    emails = fields.List(
        fields.Email(),
        validate=validate.Length(max=_MOST_EMAILS),
        metadata={"description": "Addresses of members of the company."},
    )

    @validates_schema
    def _known_time_zone(self, data: dict[str, Any], **_options: object) -> None:
        if data.get("time_zone", "UTC") not in zone_names():
            raise ValidationError("Not a name of the time zone database, like Europe/Zurich.", "time_zone")


class NewSchedule(ScheduleFields):
    """A schedule to add."""

    format = fields.String(load_default="csv", validate=validate.OneOf(_FORMATS))
    view = fields.Nested(ViewOfLines, load_default=lambda: ViewOfLines().load({}))
    recurs = fields.String(required=True, validate=validate.OneOf(_RECURS))
    day = WholeNumber(load_default=None, allow_none=True, validate=validate.Range(1, 31))
    hour = WholeNumber(load_default=6, validate=validate.Range(0, 23))
    emails = fields.List(fields.Email(), load_default=list, validate=validate.Length(max=_MOST_EMAILS))


class ScheduleChanges(ScheduleFields):
    """What to change of a schedule. What is left out stays as it is; `view` is replaced whole."""

    paused = fields.Boolean(metadata={"description": "Whether nobody is told until this is false again."})


class ScheduleRequest(Schema):
    """The headers of a request for a schedule."""

    idempotency_key = IdempotencyKey(
        metadata={"description": "Requests with the same key add one schedule, and return it."}
    )


class ExportRun(Schema):
    """A moment at which an export was due."""

    due_at = Instant()
    told_at = Instant()
    position = fields.Integer(metadata={"description": "The position of the log at that moment."})
    url = fields.String(metadata={"description": "The export as of that position."})


class ExportSchedule(Schema):
    """An export that people are told of regularly. What they get is a link to it; nothing is stored."""

    object = fields.Constant("export_schedule")
    id = fields.Integer()
    format = fields.String(validate=validate.OneOf(_FORMATS))
    view = fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "A text for each parameter, or a list of texts for those that may have several values."
        },
    )
    recurs = fields.String(validate=validate.OneOf(_RECURS))
    day = fields.Integer(allow_none=True)
    hour = fields.Integer()
    time_zone = fields.String()
    emails = fields.List(fields.String())
    paused = fields.Boolean()
    next_due_at = Instant(allow_none=True)
    created_at = Instant()
    created_by = fields.String()
    runs = fields.List(fields.Nested(ExportRun), metadata={"description": "The newest first, a dozen at most."})


class ExportScheduleList(Schema):
    """All schedules of a company, oldest first."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(ExportSchedule))
    has_more = fields.Boolean()


def as_parameters(view: dict[str, Any]) -> dict[str, str | list[str]]:
    """Return a view as the parameters of an export's URL: a list of texts for those that may have several values."""
    return {name: list(value) if name in SEVERAL else _as_text(value) for name, value in view.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
