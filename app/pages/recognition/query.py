"""What a page of a report is asked for, and the addresses of others like it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request
from marshmallow import RAISE, ValidationError, fields, validate

from app.api.reports.schemas import MonthsQuery
from app.http.fields import Currency, Day
from projections.reads.recognition.report_cells import REPORTS, Range, ReportName
from projections.recognition.days import month_text

Mistakes = dict[str, list[str]]
# A day that no clock has yet ended.
_END_OF_A_DAY = timedelta(days=1)


class _PageQuery(MonthsQuery):
    report = fields.String(load_default="recognition", validate=validate.OneOf(REPORTS))
    currency = Currency()
    # As people ask for it: when this day had ended.
    as_of_day = Day()


class ReportView(NamedTuple):
    """A page of a report: its parameters as they are written in addresses, and what they mean."""

    company_id: int
    words: dict[str, str]
    query: dict[str, Any]
    mistakes: Mistakes

    @property
    def report(self) -> ReportName:
        """Return the name of the report."""
        name: ReportName = self.query.get("report", "recognition")
        return name

    @property
    def moment(self) -> int | datetime | None:
        """Return the moment as of which to read; None is now."""
        moment: int | datetime | None = self.query.get("as_of")
        return moment

    @property
    def ended_day(self) -> date | None:
        """Return the day as of whose end to read; None if the moment is no end of a day."""
        moment = self.moment
        if not isinstance(moment, datetime) or moment.astimezone(UTC).time() != time():
            return None
        return (moment.astimezone(UTC) - _END_OF_A_DAY).date()

    def link(self, *without: str, **other: object) -> str:
        """Return the address of this page without some of its parameters and with others."""
        return _address(self._base, self._with(without, other))

    def explained(self, **cell: object) -> str:
        """Return the address of the explanation of a cell."""
        kept = {name: value for name, value in self._with((), {}).items() if name in ("as_of", "livemode")}
        named = {name: value for name, value in cell.items() if value is not None}
        return _address(f"{self._base}/explanation", {"report": self.report, **kept, **named})

    def file(self, ending: str, currency: str | None, months: Range) -> str:
        """Return the address of this report as a file: of the currency and the months that are shown."""
        shown = {"from": month_text(months.first), "to": month_text(months.last)}
        kept = self._with(("report", "currency"), shown | ({"currency": currency} if currency else {}))
        return _address(f"/v1/companies/{self.company_id}/reports/{self.report}.{ending}", kept)

    @property
    def _base(self) -> str:
        return f"/companies/{self.company_id}/recognition"

    def _with(self, without: tuple[str, ...], other: Mapping[str, object]) -> dict[str, object]:
        kept = {name: value for name, value in self.words.items() if name not in without}
        return {**kept, **{name: str(value) for name, value in other.items()}}


def report_view_of(company_id: int) -> ReportView:
    """Return the view that the request asks for, with what is wrong with it."""
    words = {name: value for name, value in request.args.items() if value}
    try:
        query = dict(_PageQuery().load(words, unknown=RAISE))
    except ValidationError as error:
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        query, mistakes = dict(valid), error.messages_dict
        return ReportView(company_id, words, {"by": "stream", **query}, mistakes)
    if day := query.pop("as_of_day", None):
        query["as_of"] = datetime.combine(day, time(), UTC) + _END_OF_A_DAY
        words = {name: value for name, value in words.items() if name not in ("as_of_day", "as_of")}
        words["as_of"] = query["as_of"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return ReportView(company_id, words, query, {})


def _address(path: str, parameters: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path
