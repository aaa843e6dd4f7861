"""Serve customers, subscriptions, prices and products to choose from as somebody types."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.base import ApiBlueprint
from app.api.revenue_lines import mode_of
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.http.fields import Flag, Words
from app.wiring.tools import current_tools
from projections.reads.facets import suggest
from projections.reads.snapshots import Snapshot, snapshot_of

blueprint = ApiBlueprint("suggestions", __name__, url_prefix="/v1/companies/<int:company_id>")

FIELDS = ("customer", "subscription", "price", "product")
_MOST = 10


class SuggestionsQuery(Schema):
    """What was typed, and what is looked for. Always about the table as it is now."""

    field = fields.String(required=True, validate=validate.OneOf(FIELDS))
    q = Words(
        metadata={"description": "Part of a name, e-mail address, description or id. Default: the first by name."}
    )
    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})


class Suggestion(Schema):
    """Something that lines can be filtered by. Its id is the value of the filter."""

    object = fields.Constant("suggestion")
    field = fields.String(validate=validate.OneOf(FIELDS))
    id = fields.String()
    name = fields.String(
        allow_none=True,
        metadata={"description": "The newest name known; of a subscription, its customer's."},
    )
    email = fields.String(
        allow_none=True, metadata={"description": "Of a customer: the address on its newest invoice."}
    )
    description = fields.String(allow_none=True, metadata={"description": "Of anything else: that of its first line."})
    line_count = fields.Integer(metadata={"description": "The number of lines that it has now."})


class SuggestionList(Schema):
    """Up to ten suggestions: first those that begin with what was typed, then those that contain it."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(Suggestion))
    position = fields.Integer()


@blueprint.get("/revenue-lines/suggestions")
@for_role("viewer")
@blueprint.arguments(SuggestionsQuery, location="query")
@blueprint.response(200, SuggestionList)
def list_suggestions(query: dict[str, Any], company_id: int) -> Response | tuple[dict[str, object], dict[str, str]]:
    """Suggest customers, subscriptions, prices or products to filter by."""
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        tag = tag_of(snapshot, "suggestions", query["field"], query.get("q"), livemode)
        if unchanged := not_modified(tag):
            return unchanged
        data = suggestions_of(snapshot, query, livemode=livemode)
    return {"data": data, "position": snapshot.position}, {"ETag": f'"{tag}"'}


def suggestions_of(
    snapshot: Snapshot, query: dict[str, Any], *, livemode: bool, most_counted: int | None = None
) -> list[dict[str, object]]:
    """Return suggestions as the `Suggestion` schema reads them. No more than `most_counted` lines of each are counted.

    :raises NotFoldedYetError: the table was built by an older release
    """
    field = query["field"]
    hint = "email" if field == "customer" else "description"
    found = suggest(snapshot, field, query.get("q", ""), livemode=livemode, limit=_MOST, most_counted=most_counted)
    return [
        {"field": field, "id": row.id, "name": row.name, hint: row.hint, "line_count": row.line_count}
        | {other: None for other in ("email", "description") if other != hint}
        for row in found
    ]
