"""Serve the changes of the table in order, for programs that keep a copy of it."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.base import ApiBlueprint
from app.api.revenue_lines import revenue_lines_of
from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT, RevenueLine
from app.auth.access import for_role
from app.http.fields import WholeNumber
from app.wiring.tools import current_tools
from projections.reads.changes import ADDED, BEGINNING, MODIFIED, REMOVED, list_changes, mark_of
from projections.reads.snapshots import NotFoldedYetError, snapshot_of
from projections.registry import BY_NAME
from projections.revenue.fold import NAME

blueprint = ApiBlueprint("changes", __name__, url_prefix="/v1/companies/<int:company_id>")


class ChangesQuery(Schema):
    """Where to continue, and how many changes to return."""

    cursor = fields.String(
        validate=validate.Length(1, 2000),
        metadata={"description": "The next_cursor of the page before. Default: the beginning."},
    )
    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))


class Change(Schema):
    """A change that an event made to a line, in either mode."""

    object = fields.Constant("change")
    type = fields.String(attribute="change", validate=validate.OneOf([ADDED, MODIFIED, REMOVED]))
    position = fields.Integer(attribute="at", metadata={"description": "The event that made the change."})
    line = fields.Nested(
        RevenueLine,
        metadata={
            "description": "The line after the change; if removed, before it. Its mapping is that of now, null if the"
            " line is gone."
        },
    )


class ChangeList(Schema):
    """Changes in the order in which they happened. Continue with `next_cursor`, even if there are no more for now."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(Change))
    has_more = fields.Boolean()
    next_cursor = fields.String()
    position = fields.Integer(metadata={"description": "The table includes all events up to this position."})
    epoch = fields.String(
        metadata={
            "description": "The history that positions belong to: empty, or another text after each restored backup."
        }
    )


@blueprint.get("/changes")
@for_role("viewer")
@blueprint.arguments(ChangesQuery, location="query")
@blueprint.response(200, ChangeList)
def list_revenue_changes(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """List every line added, modified or removed, in order. Applying all of these changes reproduces the table."""
    tools, version, limit = current_tools(), BY_NAME[NAME].version, query["limit"]
    with snapshot_of(tools.engine, company_id) as snapshot:
        epoch, cursor = snapshot.epoch, query.get("cursor")
        after = tools.cursors.read_mark(company_id, version, epoch, cursor) if cursor else BEGINNING
        if not snapshot.is_whole:
            raise NotFoldedYetError
        rows = list_changes(snapshot, after=after, limit=limit + 1)
        page = rows[:limit]
        lines = revenue_lines_of(snapshot, page)
    reached = mark_of(page[-1]) if page else after
    return {
        "data": [{"change": row.change, "at": row.at, "line": line} for row, line in zip(page, lines, strict=True)],
        "has_more": len(rows) > limit,
        "next_cursor": tools.cursors.write_mark(company_id, version, epoch, reached),
        "position": snapshot.position,
        "epoch": epoch,
    }
