"""The page and drawer of a figure: the lines and steps that it adds up, with the arithmetic of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Blueprint, abort, make_response, render_template, request
from marshmallow import RAISE, ValidationError
from werkzeug.wrappers import Response

from app.api.reports.explanation_schemas import ExplanationQuery
from app.api.reports.explanations import Told, explain
from app.api.revenue_lines import mode_of
from app.pages.frame import for_member, framed
from app.pages.mapping.addresses import Parameters, table_address
from app.pages.recognition.names import KINDS, names_from
from app.pages.recognition.report_page import HERE
from app.wiring.tools import current_tools
from events.stripe.money import UnknownCurrencyError, exponent_of
from projections.reads.recognition.leaf_details import LeafDetails
from projections.reads.recognition.leaves_statement import AMOUNTS
from projections.reads.recognition.line_parts import list_parts
from projections.reads.recognition.stream_names import stream_names
from projections.reads.snapshots import NotFoldedYetError, PositionAheadError, Snapshot, snapshot_of
from projections.recognition.arithmetic import months_of_shares
from projections.recognition.days import month_text
from projections.revenue.store.stored_parts import part_of

_AT_A_TIME = 25
_CAUSES = {
    "billing": "Billed",
    "credit_note": "Credit note",
    "void": "Voided",
    "uncollectible": "Marked uncollectible",
    "recovered": "Paid after all",
    "refund": "Refund",
    "dispute": "Dispute",
}
_COLUMNS = {
    "earned": "Earned",
    "contra": "Taken back",
    "net": "Net",
    "opening": "Opening",
    "booked": "Booked",
    "closing": "Closing",
    "amount": "Recognized",
}

blueprint = Blueprint("explanations of figures", __name__, url_prefix="/companies/<int:company_id>/recognition")


class ShownLeaf(NamedTuple):
    """A step of a line with what it adds to the figure, the address of the line, and the month's arithmetic."""

    details: LeafDetails
    cause: str
    address: str
    arithmetic: str | None


@blueprint.get("/explanation")
@for_member("viewer")
def show_explanation(company_id: int) -> Response:
    """Show what a figure is made of: as a part of the report's page if htmx asks, else as a page of its own."""
    query = _query()
    try:
        with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
            told = explain(snapshot, query)
            content = _content(snapshot, query, told)
    except (NotFoldedYetError, PositionAheadError):
        abort(404)
    if "HX-Request" in request.headers:
        return make_response(render_template("recognition/explanation_part.html", company_id=company_id, **content))
    return framed("recognition/explanation.html", here=HERE, **content)


def _query() -> dict[str, Any]:
    try:
        query: dict[str, Any] = ExplanationQuery().load(request.args.to_dict(), unknown=RAISE)
        exponent_of(query["currency"])
    except (ValidationError, UnknownCurrencyError):
        abort(422)
    return query | {"limit": min(query["limit"], _AT_A_TIME)}


def _content(snapshot: Snapshot, query: Mapping[str, Any], told: Told) -> dict[str, Any]:
    kept = [(name, value) for name, value in request.args.items() if name in ("as_of", "livemode", "currency")]
    report = urlencode([("report", query["report"]), *kept])
    more = urlencode({**request.args, "cursor": told.next_cursor}) if told.next_cursor else None
    livemode = mode_of(snapshot.connection, snapshot.company_id, query.get("livemode"))
    return {
        "asked": query,
        "title": _title(query, stream_names(snapshot)),
        "told": told,
        "columns": [_COLUMNS[name] for name in AMOUNTS[query["report"]]],
        "leaves": _leaves(snapshot, query, told.leaves, livemode=livemode),
        "exponent": exponent_of(query["currency"]),
        "back": f"/companies/{snapshot.company_id}/recognition?{report}",
        "more": f"/companies/{snapshot.company_id}/recognition/explanation?{more}" if more else None,
    }


def _title(query: Mapping[str, Any], names: dict[str, str]) -> str:
    what = "deferred at the end of" if query["report"] == "deferred" else "recognized in"
    stream = "Revenue" if query["by"] == "none" else names_from(names)(query.get("stream_id") or None)
    kind = KINDS.get(query["kind"])
    return f"{stream}{f', {kind}' if kind else ''}: {what}"


def _leaves(
    snapshot: Snapshot, query: Mapping[str, Any], leaves: Sequence[LeafDetails], *, livemode: bool
) -> list[ShownLeaf]:
    kept = Parameters((name, value) for name, value in request.args.items() if name in ("as_of", "livemode"))
    shown = []
    for one in leaves:
        line_id = one.leaf.invoice_line_item_id
        address = table_address(snapshot.company_id, f"/lines/{quote(line_id, safe='')}", kept)
        arithmetic = _arithmetic(snapshot, one, month_text(query["month"]), livemode=livemode)
        shown.append(ShownLeaf(one, _CAUSES.get(one.of_part["cause"], one.of_part["cause"]), address, arithmetic))
    return shown


def _arithmetic(snapshot: Snapshot, one: LeafDetails, month: str, *, livemode: bool) -> str | None:
    leaf = one.leaf
    rows = list_parts(snapshot, livemode=livemode, invoice_id=leaf.invoice_id, line_id=leaf.invoice_line_item_id)
    months = months_of_shares([part_of(row) for row in rows], [row.basis_points for row in rows if row.step == 0])
    found = (told for told in months if told.month == month and told.share_number == leaf.share)
    told = next(found, None)
    return told and f"{told.sum} = {told.comes_to}"
