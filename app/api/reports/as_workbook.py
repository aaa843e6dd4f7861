"""Serve reports as Excel workbooks."""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from flask import Response

from app.api.base import ApiBlueprint
from app.api.exports.lines_xlsx import XLSX
from app.api.exports.names import file_headers
from app.api.exports.workbook import workbook_of
from app.api.exports.workbook_parts import Contents, Fact, styles_of
from app.api.reports.cell_schemas import DeferredCell, RecognitionCell, WaterfallCell
from app.api.reports.decimals import Value, values_of
from app.api.reports.reading import Reading, as_of_text, columns_of, read_named_report
from app.api.reports.routes import Kind, Route, add_reports
from app.api.reports.schemas import ReportExport
from app.http.entity_tags import not_modified, tag_of
from app.wiring.tools import current_tools
from projections.reads.recognition.report_cells import ReportName
from projections.reads.sheet_rows import Styles, as_xml
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.recognition.days import month_text
from tenants.companies import find_company

blueprint = ApiBlueprint("reports as XLSX", __name__, url_prefix="/v1/companies/<int:company_id>/reports")
_TITLES: dict[ReportName, str] = {
    "recognition": "Recognized revenue",
    "deferred": "Deferred revenue",
    "waterfall": "Waterfall",
}


def _file(name: ReportName, query: dict[str, Any], company_id: int) -> Response:
    tools, as_of = current_tools(), query.get("as_of")
    with snapshot_of(tools.engine, company_id, as_of) as snapshot:
        report = read_named_report(snapshot, name, query)
        # Weak: the workbook says when it was made.
        tag = tag_of(snapshot, "xlsx", sorted(query.items(), key=str), report)
        if unchanged := not_modified(tag, is_weak=True):
            return unchanged
        headers = file_headers(snapshot, name, "xlsx", as_of=as_of)
        now = tools.clock()
        footer: list[Fact] = [
            ("As of", as_of_text(as_of)),
            ("Position of the log", report.position),
            ("Checksum of the cells", report.checksum),
        ]
        about = [*_about(snapshot, report), ("Made at (UTC)", now), *footer]
        contents = Contents(_TITLES[name], columns_of(name), about, now)
    rows = [*values_of(report, as_decimals=query["amounts"] == "decimal"), *map(_footer_row, footer)]
    response = Response(b"".join(_workbook(contents, rows)), mimetype=XLSX)
    response.headers.update(headers)
    response.set_etag(tag, weak=True)
    return response


def _about(snapshot: Snapshot, report: Reading) -> Iterator[Fact]:
    company = find_company(snapshot.connection, snapshot.company_id)
    yield "Company", company.name if company else "", snapshot.company_id
    yield "Report", _TITLES[report.name]
    yield "Months", f"{month_text(report.months.first)} to {month_text(report.months.last)}"
    yield "Mode", "live" if report.livemode else "test"
    yield "Complete", "yes" if report.is_complete else "no"
    if report.data_through:
        yield "All invoices up to (UTC)", report.data_through
    for sentence in report.left_out:
        yield "Left out", sentence


def _footer_row(fact: Fact) -> list[Value]:
    return [value if isinstance(value, int) else str(value) for value in fact]


def _workbook(contents: Contents, rows: list[list[Value]]) -> Iterator[bytes]:
    styles = styles_of(contents)
    xml = as_xml([_row_xml(row, styles).encode() for row in rows])
    yield from workbook_of(contents, [(xml, len(rows))])


def _row_xml(row: list[Value], styles: Styles) -> str:
    return f"<row>{''.join(_cell_xml(value, styles) for value in row)}</row>"


def _cell_xml(value: Value, styles: Styles) -> str:
    if isinstance(value, str):
        # `as_xml` takes backslashes for escapes of COPY.
        text = escape(value).replace("\\", r"\\")
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' if text else "<c/>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c s="{styles.amounts[value.decimals]}"><v>{value.amount:f}</v></c>'


add_reports(
    blueprint,
    Kind(".xlsx", ReportExport, XLSX),
    {
        "recognition": Route(
            "export_recognition_workbook",
            "Export what each month recognizes as an Excel workbook, with a sheet that says what it shows.",
            RecognitionCell,
        ),
        "deferred": Route(
            "export_deferred_workbook",
            "Export the roll-forward of deferred revenue as an Excel workbook, with a sheet that says what it shows.",
            DeferredCell,
        ),
        "waterfall": Route(
            "export_waterfall_workbook",
            "Export the waterfall as an Excel workbook, with a sheet that says what it shows.",
            WaterfallCell,
        ),
    },
    _file,
)
