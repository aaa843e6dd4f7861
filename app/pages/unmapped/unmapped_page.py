"""The Unmapped page: what nothing maps, by money, and the forms that add rules for it to the draft."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Blueprint, make_response, redirect, request
from flask.wrappers import Response

from app.api.mapping.unmapped import unmapped_page
from app.api.revenue_lines import mode_of
from app.connect.state import health_in
from app.pages.forms import MistakeError, limit_forms, typed
from app.pages.frame import for_member, framed
from app.pages.unmapped.adding import add_to_draft, wanted_in_form
from app.pages.unmapped.checklist import first_steps
from app.wiring.tools import current_tools
from backlog.syncs.health import ConnectionHealth
from mapping.drafts import Draft, draft_of
from mapping.streams import Streams, streams_at
from projections.mapping.group_rules import is_wordless, rule_for
from projections.mapping.likely_streams import NUMBER, Sold
from projections.mapping.reading_rules import read_rules
from projections.mapping.rule_set import RuleSet
from projections.reads.mapping.unmapped import MOST_LINES
from projections.reads.snapshots import snapshot_of

HERE = "unmapped"
_AT_ONCE = 50

blueprint = Blueprint("unmapped pages", __name__, url_prefix="/companies/<int:company_id>/unmapped")
limit_forms(blueprint)


class ShownGroup(NamedTuple):
    """A group with what it is known by, and the rule of the draft that maps it, with the names of its streams."""

    said: Mapping[str, Any]
    sold: Sold
    rule_id: str | None
    drafted: list[str]

    @property
    def is_wordless(self) -> bool:
        """Return whether there is nothing for a rule to know its lines by."""
        return is_wordless(self.sold)

    @property
    def called(self) -> str:
        """Return what people know its lines by."""
        said = self.said
        described = None if said["product_id"] or said["price_id"] else said["description"]
        return str(said["product_name"] or described or said["product_id"] or said["price_id"] or "No description")

    @property
    def words(self) -> str:
        """Return the longest part of the description that all its lines have."""
        return max(map(str.strip, (self.sold.phrase or "").split(NUMBER)), key=len)

    @property
    def key(self) -> str:
        """Return what tells the form of this group from others."""
        return "|".join((*(part or "" for part in self.sold), self.said["currency"]))


class _Content(NamedTuple):
    page: Mapping[str, Any]
    groups: list[ShownGroup]
    draft: Draft
    streams: Streams
    stripe: ConnectionHealth


@blueprint.get("")
@for_member("viewer")
def show_unmapped(company_id: int) -> Response:
    """Show groups of unmapped lines, those that come to most first."""
    return _page(company_id)


@blueprint.post("")
@for_member("editor")
def map_group(company_id: int) -> Response:
    """Add a rule that maps a group to the draft."""
    try:
        rule_id = add_to_draft(company_id, wanted_in_form())
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    return make_response(redirect(_address(company_id, rule_id), 303))


def _address(company_id: int, rule_id: str) -> str:
    """Return the address of the page that says what was added, at the group that was mapped."""
    where = {"cursor": typed("cursor")} if typed("cursor") else {}
    return f"/companies/{company_id}/unmapped?{urlencode({'rule': rule_id, **where})}#{quote(typed('at'))}"


def _page(company_id: int, *, mistake: MistakeError | None = None) -> Response:
    found = _content(company_id)
    drafted = sum(group.rule_id is not None for group in found.groups)
    to_map = [group for group in found.groups if group.rule_id is None and not group.is_wordless]
    products = {group.sold.product_id or group.sold for group in found.groups}
    many = f"{len(products)}{'+' if found.page['has_more'] else ''}" if products else ""
    added = next((group for group in found.groups if group.rule_id and group.rule_id == request.args.get("rule")), None)
    steps = first_steps(company_id, found.stripe, groups=many, is_drafted=drafted > 0 and not to_map)
    return framed(
        "unmapped/unmapped.html",
        here=HERE,
        status=422 if mistake else 200,
        groups=found.groups,
        page=found.page,
        most_lines=MOST_LINES,
        streams=_open(found.streams),
        names={stream_id: stream.name for stream_id, stream in found.streams.items()},
        stripe=found.stripe,
        drafted=drafted,
        steps=[] if found.draft.based_on else steps,
        added=added,
        cursor=_cursor(),
        mistake=mistake,
        mistaken=typed("key") if mistake else None,
        typed=typed,
    )


def _content(company_id: int) -> _Content:
    query: dict[str, Any] = {"limit": _AT_ONCE}
    if cursor := _cursor():
        query["cursor"] = cursor
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        connection = snapshot.connection
        page = unmapped_page(snapshot, query, livemode=mode_of(connection, company_id, None))
        draft, streams = draft_of(connection, company_id), streams_at(connection, company_id)
        stripe = health_in(connection, company_id)
    return _Content(page, _shown(page["data"], draft, streams), draft, streams, stripe)


def _cursor() -> str:
    return request.args.get("cursor", "") or typed("cursor")


def _shown(data: Sequence[Mapping[str, Any]], draft: Draft, streams: Streams) -> list[ShownGroup]:
    rules = RuleSet(read_rules(list(draft.rules), lambda: "rule_new")) if draft.updated_at else RuleSet(())
    return [_group(said, rules, streams) for said in data]


def _group(said: Mapping[str, Any], rules: RuleSet, streams: Streams) -> ShownGroup:
    is_sold = said["product_id"] or said["price_id"]
    sold = Sold(said["product_id"], said["price_id"], None if is_sold else said["description"])
    ready = rule_for(rules, sold)
    if ready is None:
        return ShownGroup(said, sold, None, [])
    values = rules.values_of({"product_id": sold.product_id, "price_id": sold.price_id, "description": sold.phrase})
    named = [streams[share.stream_id] for share in ready.shares(values) if share.stream_id in streams]
    if any(stream.archived_at is not None for stream in named):
        return ShownGroup(said, sold, None, [])
    return ShownGroup(said, sold, ready.rule.rule_id, [stream.name for stream in named])


def _open(streams: Streams) -> list[tuple[str, str]]:
    found = [(stream_id, stream.name) for stream_id, stream in streams.items() if stream.archived_at is None]
    return sorted(found, key=lambda one: one[1].casefold())
