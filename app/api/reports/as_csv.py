"""Serve reports as CSV (RFC 4180)."""

from typing import Any

from flask import Response

from app.api.base import ApiBlueprint
from app.api.exports.formulas import csv_row, without_formula
from app.api.exports.names import file_headers
from app.api.reports.cell_schemas import DeferredCell, RecognitionCell, WaterfallCell
from app.api.reports.decimals import Value, values_of
from app.api.reports.reading import Reading, as_of_text, columns_of, read_named_report
from app.api.reports.routes import Kind, Route, add_reports
from app.api.reports.schemas import ReportExport
from app.wiring.tools import current_tools
from projections.reads.recognition.report_cells import ReportName
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint("reports as CSV", __name__, url_prefix="/v1/companies/<int:company_id>/reports")


def _file(name: ReportName, query: dict[str, Any], company_id: int) -> Response:
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        report = read_named_report(snapshot, name, query)
        headers = file_headers(snapshot, name, "csv", as_of=query.get("as_of"))
    footer = {"as_of": as_of_text(query.get("as_of")), "position": report.position, "checksum": report.checksum}
    response = Response(_csv(report, footer, as_decimals=query["amounts"] == "decimal"), mimetype="text/csv")
    response.headers.update(headers)
    return response


def _csv(report: Reading, footer: dict[str, object], *, as_decimals: bool) -> str:
    columns = columns_of(report.name)
    rows = [
        columns,
        *(map(_text_of, row) for row in values_of(report, as_decimals=as_decimals)),
        *([name, str(value), *[""] * (len(columns) - 2)] for name, value in footer.items()),
    ]
    return "".join(map(csv_row, rows))


def _text_of(value: Value) -> str:
    if isinstance(value, str):
        return without_formula(value)
    return str(value) if isinstance(value, int) else f"{value.amount:f}"


add_reports(
    blueprint,
    Kind(".csv", ReportExport, "text/csv"),
    {
        "recognition": Route(
            "export_recognition",
            "Export what each month recognizes as CSV. The last rows name its moment, its position and its checksum.",
            RecognitionCell,
        ),
        "deferred": Route(
            "export_deferred",
            "Export the roll-forward of deferred revenue as CSV. The last rows name its moment, position and checksum.",
            DeferredCell,
        ),
        "waterfall": Route(
            "export_waterfall",
            "Export the waterfall as CSV. The last rows name its moment, its position and its checksum.",
            WaterfallCell,
        ),
    },
    _file,
)
