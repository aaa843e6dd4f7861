"""Serve the lines that nothing maps, in groups of what is sold, each with the stream it probably belongs to."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.base import ApiBlueprint
from app.api.revenue_lines import mode_of
from app.api.schemas import AS_OF, DEFAULT_LIMIT, MAX_LIMIT
from app.auth.access import for_role
from app.http.entity_tags import not_modified, tag_of
from app.http.fields import Flag, WholeNumber
from app.wiring.tools import current_tools
from events.stripe.money import exponent_of
from mapping.streams import streams_at
from projections.mapping.likely_streams import LikelyStreams, Sold, Suggestion
from projections.reads.mapping.mapped_lately import list_mapped
from projections.reads.mapping.unmapped import MOST_LINES, UnmappedLines, list_unmapped
from projections.reads.snapshots import Snapshot, snapshot_of

blueprint = ApiBlueprint("unmapped lines", __name__, url_prefix="/v1/companies/<int:company_id>")


class UnmappedQuery(Schema):
    """Which groups to return, and which page of them."""

    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})
    as_of = AS_OF
    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))


class StreamSuggestion(Schema):
    """A stream that a group probably belongs to."""

    stream_id = fields.String()
    because = fields.String(metadata={"description": "Why, in words."})
    support = fields.Integer(
        metadata={"description": "How many of the newest 5,000 lines speak for it. 0: only its name does."}
    )


class UnmappedGroup(Schema):
    """Unmapped lines of one product, price and currency, or else of one description but for its numbers."""

    object = fields.Constant("unmapped_group")
    product_id = fields.String(allow_none=True)
    product_name = fields.String(allow_none=True)
    price_id = fields.String(allow_none=True)
    description = fields.String(
        allow_none=True,
        metadata={
            "description": "Without a product and a price: what the lines' descriptions have in common, with … for each"
            " number. Otherwise that of one of the lines."
        },
    )
    currency = fields.String()
    currency_exponent = fields.Integer()
    lines = fields.Integer(metadata={"description": "How many."})
    net_amount = fields.Integer(
        metadata={"description": "What they come to, less what credit notes took, in minor units."}
    )
    suggestion = fields.Nested(StreamSuggestion, allow_none=True)


class UnmappedList(Schema):
    """A page of groups at one moment: those that come to most first, be it negative."""

    object = fields.Constant("list")
    data = fields.List(fields.Nested(UnmappedGroup))
    has_more = fields.Boolean()
    next_cursor = fields.String(allow_none=True)
    position = fields.Integer()
    is_complete = fields.Boolean(
        metadata={
            "description": f"False if {MOST_LINES:,} lines or more are unmapped: then groups are of the newest of them."
        }
    )


@blueprint.get("/unmapped")
@for_role("viewer")
@blueprint.arguments(UnmappedQuery, location="query")
@blueprint.response(200, UnmappedList)
def list_unmapped_groups(query: dict[str, Any], company_id: int) -> Response | tuple[dict[str, object], dict[str, str]]:
    """List what nothing maps: groups of lines, one page at a time, each with the stream it probably belongs to."""
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        tag = tag_of(snapshot, "unmapped", livemode, query["limit"], query.get("cursor"))
        if unchanged := not_modified(tag):
            return unchanged
        return unmapped_page(snapshot, query, livemode=livemode), {"ETag": f'"{tag}"'}


def unmapped_page(snapshot: Snapshot, query: Mapping[str, Any], *, livemode: bool) -> dict[str, Any]:
    """Return a page of groups as the `UnmappedList` schema reads it.

    :raises InvalidCursorError: as `CursorSigner.read_group`
    :raises NotFoldedYetError: the table was built by an older release, which mapped nothing
    """
    cursors, limit = current_tools().cursors, query["limit"]
    digest = sha256(repr((snapshot.company_id, livemode, query.get("as_of"))).encode()).hexdigest()[:32]
    after = cursors.read_group(digest, query["cursor"]) if "cursor" in query else None
    found, is_complete = list_unmapped(snapshot, livemode=livemode, limit=limit + 1, after=after)
    page, has_more = found[:limit], len(found) > limit
    streams = streams_at(snapshot.connection, snapshot.company_id, snapshot.position)
    likely = LikelyStreams(list_mapped(snapshot, livemode=livemode) if page and streams else (), streams)
    return {
        "data": [_shown(group, likely) for group in page],
        "has_more": has_more,
        "next_cursor": cursors.write_group(digest, page[-1].mark) if has_more else None,
        "position": snapshot.position,
        "is_complete": is_complete,
    }


def _shown(group: UnmappedLines, likely: LikelyStreams) -> dict[str, object]:
    sold = Sold(group.product_id, group.price_id, None if group.is_sold else group.description)
    suggestion = likely.of(sold, group.product_name, group.description)
    return {
        **group._asdict(),
        "currency_exponent": exponent_of(group.currency),
        "suggestion": suggestion and {**suggestion._asdict(), "because": _because(suggestion)},
    }


def _because(suggestion: Suggestion) -> str:
    if suggestion.because == "name":
        return "Its name is part of the product's name or of the description."
    like = "with the same description" if suggestion.because == "description" else f"of the same {suggestion.because}"
    one = suggestion.support == 1
    return f"{suggestion.support} {'line' if one else 'lines'} {like} {'is' if one else 'are'} mapped to it."
