"""Serve the revenue mapping table as an Excel workbook: every line of a filter, streamed from one snapshot."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from flask import Response

from app.api.base import ApiBlueprint
from app.api.exports.about_lines import about_lines
from app.api.exports.names import file_headers
from app.api.exports.schemas import LinesExport, RevenueLineRow
from app.api.exports.workbook import workbook_of
from app.api.exports.workbook_parts import Contents, styles_of
from app.api.revenue_lines import list_of
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.wiring.tools import current_tools
from projections.reads.sheet_rows import as_xml, every_sheet_row
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint("revenue lines as XLSX", __name__, url_prefix="/v1/companies/<int:company_id>")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/revenue-lines.xlsx")
@for_role("viewer")
@blueprint.arguments(LinesExport, location="query")
@blueprint.response(200, RevenueLineRow, content_type=XLSX)
def export_workbook(query: dict[str, Any], company_id: int) -> Response:
    """Export all revenue lines of a filter as an Excel workbook, all from the same moment.

    Amounts, days and times are numbers with a format; texts are never formulas. A second sheet says what the workbook
    shows. More than 1,048,000 lines continue on further sheets.
    """
    tools, columns, as_of = current_tools(), query["columns"], query.get("as_of")
    with ExitStack() as stack:
        snapshot = stack.enter_context(snapshot_of(tools.exports, company_id, as_of))
        of = list_of(snapshot, query)
        # Weak: the workbook says when it was made.
        tag = tag_of(snapshot, "xlsx", of.digest(), columns)
        if unchanged := not_modified(tag, is_weak=True):
            return unchanged
        headers = file_headers(snapshot, "revenue-lines", "xlsx", as_of=as_of)
        now = tools.clock()
        contents = Contents("Revenue lines", columns, about_lines(snapshot, of, made_at=now), now)
        rows = every_sheet_row(snapshot, of.line_filter, sort=of.sort, columns=columns, styles=styles_of(contents))
        batches = stack.enter_context(rows)
        resources = stack.pop_all()
        response = Response(_workbook(contents, batches, resources), mimetype=XLSX)
        # Also called when the client has disconnected, and when nothing was ever read.
        response.call_on_close(resources.close)
    response.headers.update(headers)
    response.set_etag(tag, weak=True)
    return response


def _workbook(contents: Contents, batches: Iterable[Sequence[bytes]], resources: ExitStack) -> Iterator[bytes]:
    yield from workbook_of(contents, ((as_xml(rows), len(rows)) for rows in batches))
    resources.close()
