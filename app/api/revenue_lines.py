"""Serve the revenue mapping table as JSON."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from flask import Response, abort
from sqlalchemy import Connection

from app.api.base import ApiBlueprint
from app.api.fact_schemas import QuarantineList, QuarantineQuery
from app.api.schemas import LineQuery, LinesQuery, RevenueLine, RevenueLineList
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.wiring.cursors import ListOf
from app.wiring.tools import current_tools
from events.connection.accounts import owned_account
from projections.reads.checksums import checksum_of
from projections.reads.recognition.line_mappings import mappings_of
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import LineRow, find_line, list_lines, list_quarantined
from projections.reads.table.orders import after_row
from projections.reads.table.totals import total_lines

blueprint = ApiBlueprint(
    "revenue lines", __name__, url_prefix="/v1/companies/<int:company_id>", description="The revenue mapping table."
)
_FILTERS = frozenset(field.name for field in fields(LineFilter)) - {"livemode"}


@blueprint.get("/revenue-lines")
@for_role("viewer")
@blueprint.arguments(LinesQuery, location="query")
@blueprint.response(200, RevenueLineList)
def list_revenue_lines(query: dict[str, Any], company_id: int) -> Response | tuple[dict[str, object], dict[str, str]]:
    """List revenue lines, one page at a time."""
    tools = current_tools()
    with snapshot_of(tools.engine, company_id, query.get("as_of")) as snapshot:
        of = list_of(snapshot, query)
        tag = tag_of(snapshot, of.digest(), query["limit"], query.get("cursor"), query.get("include"))
        if unchanged := not_modified(tag):
            return unchanged
        after = tools.cursors.read(of, query["cursor"]) if "cursor" in query else None
        rows = list_lines(snapshot, of.line_filter, sort=of.sort, limit=query["limit"] + 1, after=after)
        page, has_more = rows[: query["limit"]], len(rows) > query["limit"]
        answer = {
            "data": revenue_lines_of(snapshot, page),
            "has_more": has_more,
            "next_cursor": tools.cursors.write(of, after_row(page[-1], of.sort)) if has_more else None,
            "position": snapshot.position,
            "checksum": checksum_of(snapshot),
            "projection_status": snapshot.status,
        }
        if query.get("include") == "totals":
            answer["totals"] = total_lines(snapshot, of.line_filter)
        return answer, {"ETag": f'"{tag}"'}


@blueprint.get("/revenue-lines/<line_id>")
@for_role("viewer")
@blueprint.arguments(LineQuery, location="query")
@blueprint.response(200, RevenueLine)
def get_revenue_line(
    query: dict[str, Any], company_id: int, line_id: str
) -> Response | tuple[dict[str, object], dict[str, str]]:
    """Retrieve a revenue line."""
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        # PostgreSQL's text cannot hold a NUL: no line has such an id.
        row = None if "\x00" in line_id else find_line(snapshot, line_id, livemode=livemode)
        if row is None:
            abort(404)
        tag = tag_of(snapshot, "line", line_id, livemode)
        return not_modified(tag) or (revenue_lines_of(snapshot, [row])[0], {"ETag": f'"{tag}"'})


@blueprint.get("/quarantine")
@for_role("viewer")
@blueprint.arguments(QuarantineQuery, location="query")
@blueprint.response(200, QuarantineList)
def list_quarantine(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """List the facts about the books that could not be read, newest first, each with the reason."""
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        rows = list_quarantined(snapshot, limit=query["limit"] + 1, before=query.get("before"))
    return {"data": rows[: query["limit"]], "has_more": len(rows) > query["limit"]}


def list_of(snapshot: Snapshot, query: dict[str, Any]) -> ListOf:
    """Return the list that a query asks for: its filter, in the mode it names or else the connection's own."""
    filters = {name: value for name, value in query.items() if name in _FILTERS}
    livemode = mode_of(snapshot.connection, snapshot.company_id, query.get("livemode"))
    line_filter = LineFilter(livemode=livemode, **filters)
    return ListOf(snapshot.company_id, line_filter, query["sort"], query.get("as_of"), snapshot.epoch)


def mode_of(connection: Connection, company_id: int, requested: bool | None) -> bool:  # noqa: FBT001 - not a switch: a value
    """Return the requested mode, or else the one in which the company's account is connected."""
    if requested is not None:
        return requested
    account = owned_account(connection, company_id)
    return account.livemode if account else True


def revenue_lines_of(snapshot: Snapshot, rows: Sequence[LineRow]) -> list[dict[str, object]]:
    """Return rows as the `RevenueLine` schema reads them."""
    mappings = mappings_of(snapshot, rows)
    keys = ((row.livemode, row.invoice_id, row.invoice_line_item_id) for row in rows)
    return [{**revenue_line_of(row), "mapping": mappings.get(key)} for row, key in zip(rows, keys, strict=True)]


def revenue_line_of(row: LineRow) -> dict[str, object]:
    """Return a row as the `RevenueLine` schema reads it, without what it is mapped to."""
    return {
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name for it
        "interval": {"unit": row.interval_unit, "count": row.interval_count} if row.interval_unit else None,
        "period": {"start": row.period_start, "end": row.period_end},
    }
