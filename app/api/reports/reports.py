"""Serve reports of recognized revenue as JSON."""

from typing import Any

from flask.typing import ResponseReturnValue

from app.api.base import ApiBlueprint
from app.api.reports.cell_schemas import DeferredReport, RecognitionReport, WaterfallReport
from app.api.reports.reading import read_report
from app.api.reports.routes import Kind, Route, add_reports
from app.api.reports.schemas import ReportQuery
from app.wiring.tools import current_tools
from projections.reads.recognition.report_cells import ReportName
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint(
    "reports",
    __name__,
    url_prefix="/v1/companies/<int:company_id>/reports",
    description="Recognized revenue by month, what is deferred, and when it will be recognized.",
)


def _told(name: ReportName, query: dict[str, Any], company_id: int) -> ResponseReturnValue:
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        report = read_report(snapshot, name, query)
    return {**report._asdict(), "data": report.cells, "checksum": report.checksum}


add_reports(
    blueprint,
    Kind("", ReportQuery),
    {
        "recognition": Route(
            "get_recognition", "Retrieve what each month recognizes, by stream, currency and kind.", RecognitionReport
        ),
        "deferred": Route(
            "get_deferred", "Retrieve how deferred revenue rolls forward from month to month.", DeferredReport
        ),
        "waterfall": Route(
            "get_waterfall",
            "Retrieve what was booked in each month by the months that recognize it, which `from` and `to` choose.",
            WaterfallReport,
        ),
    },
    _told,
)
