"""Serve the revenue mapping table as CSV (RFC 4180): every line of a filter, streamed from one snapshot."""

import csv
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import StringIO
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app.api.base import ApiBlueprint
from app.api.exports.formulas import csv_row, is_split_elsewhere, without_formula
from app.api.exports.names import file_headers
from app.api.exports.schemas import LinesExport, RevenueLineRow
from app.api.revenue_lines import list_of
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.wiring.tools import current_tools
from projections.reads.export import AMOUNTS, SUSPECT, WRITTEN_BY_OTHERS, every_line
from projections.reads.snapshots import snapshot_of

blueprint = ApiBlueprint("revenue lines as CSV", __name__, url_prefix="/v1/companies/<int:company_id>")

_LINE_END = b"\r\n"
# A row ends with a mark of whether it is suspect, which is not part of the CSV.
_BEFORE_MARK = -len(SUSPECT)


class CsvExport(LinesExport):
    """Which revenue lines to export, and how to write their amounts."""

    amounts = fields.String(
        load_default="decimal",
        validate=validate.OneOf(AMOUNTS),
        metadata={
            "description": "decimal: in major units, with the decimals of the currency (1234.00). minor: in whole minor"
            " units (123400). Default: decimal."
        },
    )


@blueprint.get("/revenue-lines.csv")
@for_role("viewer")
@blueprint.arguments(CsvExport, location="query")
@blueprint.response(200, RevenueLineRow, content_type="text/csv")
def export_revenue_lines(query: dict[str, Any], company_id: int) -> Response:
    """Export all revenue lines of a filter as CSV with a header, all from the same moment.

    Text that a spreadsheet would take for a formula is prefixed with an apostrophe, also after a semicolon, a tab or a
    line break inside a text. Numbers, also negative ones, are written as numbers.
    """
    columns, amounts = query["columns"], query["amounts"]
    with ExitStack() as stack:
        snapshot = stack.enter_context(snapshot_of(current_tools().exports, company_id, query.get("as_of")))
        of = list_of(snapshot, query)
        tag = tag_of(snapshot, "csv", of.digest(), columns, amounts)
        if unchanged := not_modified(tag):
            return unchanged
        headers = file_headers(snapshot, "revenue-lines", "csv", as_of=query.get("as_of"))
        lines = every_line(snapshot, of.line_filter, sort=of.sort, columns=columns, amounts=amounts)
        batches = stack.enter_context(lines)
        resources = stack.pop_all()
        response = Response(_csv(batches, columns, resources), mimetype="text/csv")
        # Also called when the client has disconnected, and when nothing was ever read.
        response.call_on_close(resources.close)
    response.headers.update(headers)
    response.set_etag(tag)
    return response


def _csv(batches: Iterable[Sequence[bytes]], columns: Sequence[str], resources: ExitStack) -> Iterator[bytes]:
    texts = tuple(place for place, name in enumerate(columns) if name in WRITTEN_BY_OTHERS)
    yield ",".join(columns).encode() + _LINE_END
    for batch in batches:
        yield b"".join(
            _escaped(row, texts) if row.endswith(SUSPECT) or is_split_elsewhere(row) else row[:_BEFORE_MARK] + _LINE_END
            for row in batch
        )
        # Not a wait: under gevent it lets the worker's other requests run, even when client and database are fast.
        time.sleep(0)  # noqa: TID251
    resources.close()


def _escaped(row: bytes, texts: Sequence[int]) -> bytes:
    (cells,) = csv.reader(StringIO(row[:_BEFORE_MARK].decode(), newline=""), strict=True)
    for place in texts:
        cells[place] = without_formula(cells[place])
    return csv_row(cells).encode()
