"""Serve the sums of the table by month."""

import re
from datetime import date
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from app.api.base import ApiBlueprint
from app.api.revenue_lines import mode_of
from app.api.schemas import AS_OF
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.http.fields import Currency, Flag, Several
from app.wiring.tools import current_tools
from events.stripe.cadence import CADENCES, LINE_TYPES
from events.stripe.invoice import FINAL_STATUSES
from events.stripe.money import exponent_of
from projections.reads.snapshots import NotFoldedYetError, snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.totals import list_months

blueprint = ApiBlueprint("revenue by month", __name__, url_prefix="/v1/companies/<int:company_id>")

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class MonthField(fields.Field[date]):
    """A month as YYYY-MM."""

    def _serialize(self, value: date | None, *_context: Any, **_options: Any) -> str | None:  # noqa: ANN401
        return f"{value:%Y-%m}" if value else None

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> date:  # noqa: ANN401
        if not isinstance(value, str) or not _MONTH.fullmatch(value) or value.startswith("0000"):
            raise ValidationError("Not a month written YYYY-MM.")
        return date.fromisoformat(f"{value}-01")


class MonthsQuery(Schema):
    """Which sums to return."""

    as_of = AS_OF
    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})
    month_from = MonthField(data_key="month_from", attribute="date_from", metadata={"description": "Inclusive."})
    month_to = MonthField(data_key="month_to", attribute="date_to", metadata={"description": "Exclusive."})
    currency = Several(Currency())
    invoice_status = Several(fields.String(validate=validate.OneOf(FINAL_STATUSES)))
    type = Several(fields.String(validate=validate.OneOf(LINE_TYPES)))
    cadence = Several(fields.String(validate=validate.OneOf(CADENCES)))


class RevenueMonth(Schema):
    """The sums billed for the lines dated in a month. Amounts are in minor units of `currency`."""

    object = fields.Constant("revenue_month")
    month = MonthField(metadata={"type": "string"})
    currency = fields.String()
    currency_exponent = fields.Integer()
    invoice_status = fields.String(validate=validate.OneOf(FINAL_STATUSES))
    type = fields.String(validate=validate.OneOf(LINE_TYPES))
    cadence = fields.String(validate=validate.OneOf(CADENCES))
    count = fields.Integer(attribute="line_count")
    amount = fields.Integer()
    net_amount = fields.Integer()


class RevenueMonthList(Schema):
    """Sums by month, all from the same moment: they include all events up to `position` and none after."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(RevenueMonth))
    position = fields.Integer()


@blueprint.get("/revenue-by-month")
@for_role("viewer")
@blueprint.arguments(MonthsQuery, location="query")
@blueprint.response(200, RevenueMonthList)
def list_revenue_months(query: dict[str, Any], company_id: int) -> Response | tuple[dict[str, object], dict[str, str]]:
    """List the billed amounts by month of the line's date, currency, invoice status, type and cadence."""
    filters = {name: value for name, value in query.items() if name not in ("as_of", "livemode")}
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        if not snapshot.is_whole:
            raise NotFoldedYetError
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        line_filter = LineFilter(livemode=livemode, **filters)
        tag = tag_of(snapshot, "months", line_filter.as_text())
        if unchanged := not_modified(tag):
            return unchanged
        months = list_months(snapshot, line_filter)
    data = [{**month._asdict(), "currency_exponent": exponent_of(month.currency)} for month in months]
    return {"data": data, "position": snapshot.position}, {"ETag": f'"{tag}"'}
