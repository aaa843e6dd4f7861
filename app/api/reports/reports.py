"""Serve reports of recognized revenue as JSON."""

from typing import Any

from app.api.base import ApiBlueprint
from app.api.reports.cell_schemas import DeferredReport, RecognitionReport, WaterfallReport
from app.api.reports.reading import read_report
from app.api.reports.schemas import ReportQuery
from app.auth.access import for_role
from app.wiring.tools import current_tools
from projections.reads.recognition.report_cells import ReportName
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint(
    "reports",
    __name__,
    url_prefix="/v1/companies/<int:company_id>/reports",
    description="Recognized revenue by month, what is deferred, and when it will be recognized.",
)


@blueprint.get("/recognition")
@for_role("viewer")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, RecognitionReport)
def get_recognition(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """Retrieve what each month recognizes, by stream, currency and kind."""
    return _told("recognition", query, company_id)


@blueprint.get("/deferred")
@for_role("viewer")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, DeferredReport)
def get_deferred(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """Retrieve how deferred revenue rolls forward from month to month."""
    return _told("deferred", query, company_id)


@blueprint.get("/waterfall")
@for_role("viewer")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, WaterfallReport)
def get_waterfall(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """Retrieve what was booked in each month by the months that recognize it, which `from` and `to` choose."""
    return _told("waterfall", query, company_id)


def _told(name: ReportName, query: dict[str, Any], company_id: int) -> dict[str, object]:
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        report = read_report(snapshot, name, query)
    return {**report._asdict(), "data": report.cells, "checksum": report.checksum}
