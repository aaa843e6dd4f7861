"""The page and drawer of one line: its fields, its history, and the events behind it."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from flask import Blueprint, abort, make_response, render_template, request
from marshmallow import RAISE, ValidationError, fields, validate
from werkzeug.wrappers import Response

from app.api.revenue_lines import mode_of
from app.api.schemas import LineQuery
from app.auth.access import principal
from app.auth.sessions import form_token
from app.http.fields import WholeNumber
from app.pages.frame import for_member, framed
from app.pages.mapping.addresses import Parameters, table_address
from app.pages.mapping.line_mapping import mapping_of_line
from app.pages.mapping.line_words import cadence_words, happenings_of
from app.pages.mapping.table import HERE
from app.pages.recognition.line_months import line_months
from app.wiring.tools import current_tools
from events.connection.accounts import owned_account
from events.log.read import read_at
from projections.reads.credit_notes import CreditNoteFilter, list_credit_notes, taken_by
from projections.reads.history import history_of
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.reads.table.lines import LineRow, find_line
from runtime.database import within_company

blueprint = Blueprint("line drawer", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping")

_STRIPES_DASHBOARD = "https://dashboard.stripe.com"
_LAST_POSITION = 2**63 - 1
_MOST_CREDITS = 100


class _LinePageQuery(LineQuery):
    before = WholeNumber(validate=validate.Range(1, _LAST_POSITION))
    # What the page then says was done.
    done = fields.String()


@blueprint.get("/lines/<line_id>")
@for_member("viewer")
def show_line(company_id: int, line_id: str) -> Response:
    """Show a line and its history: as a part of the table's page if htmx asks, else as a page of its own."""
    query = _query()
    kept = Parameters((name, value) for name, value in request.args.items() if name in ("as_of", "livemode"))
    with snapshot_of(current_tools().engine, company_id, query.get("as_of")) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        content = _content(snapshot, line_id, kept, livemode=livemode, before=query.get("before"))
    content |= {"line_id": line_id, "table": table_address(company_id, "", kept), "as_of": query.get("as_of")}
    content["by"] = content["table"] + ("&" if kept else "?")
    if "HX-Request" in request.headers:
        content |= {"company_id": company_id, "may": principal().reaches, "token": form_token()}
        return make_response(render_template("mapping/line_part.html", **content))
    return framed("mapping/line.html", here=HERE, company_id=company_id, **content)


@blueprint.get("/events/<int:position>")
@for_member("editor")
def show_event(company_id: int, position: int) -> Response:
    """Show an event of the log with its body as received, indented if it is JSON."""
    with within_company(current_tools().engine, company_id) as connection:
        found = read_at(connection, company_id, [position]) if position <= _LAST_POSITION else []
    if not found:
        abort(404)
    (event,) = found
    if "HX-Request" in request.headers:
        return make_response(render_template("mapping/event_body.html", body=_indented(event.payload)))
    body, way_back = _indented(event.payload), _way_back(company_id)
    return framed("mapping/event.html", here=HERE, event=event, body=body, way_back=way_back)


def _way_back(company_id: int) -> tuple[str, str]:
    """Return the URL and the name of the page that linked to the event."""
    if line_id := request.args.get("line"):
        return table_address(company_id, f"/lines/{quote(line_id, safe='')}"), "Invoice line"
    if request.args.get("back") == "quarantine":
        return table_address(company_id, "/quarantine"), "Invoices and credit notes we couldn't read"
    return table_address(company_id), "Revenue Mapping"


def _query() -> dict[str, Any]:
    try:
        query: dict[str, Any] = _LinePageQuery().load(request.args.to_dict(), unknown=RAISE)
    except ValidationError:
        abort(422)
    return query


def _content(
    snapshot: Snapshot, line_id: str, kept: Parameters, *, livemode: bool, before: int | None
) -> dict[str, Any]:
    # PostgreSQL text cannot contain NUL, so no line has such an id.
    if "\x00" in line_id:
        abort(404)
    row = find_line(snapshot, line_id, livemode=livemode)
    history = history_of(snapshot, line_id, livemode=livemode, before=before)
    if row is None and (history.first is None or history.first.position > snapshot.position):
        abort(404)
    return {
        "row": row,
        "cadence": cadence_words(row) if row else "",
        "credits": _credits(snapshot, row) if row and row.credited_amount else [],
        "recognized": line_months(snapshot, row) if row else None,
        "history": happenings_of(history),
        "older": f"?{urlencode([*kept, ('before', history.steps[0].event.position)])}" if history.has_more else None,
        "at_stripe": _dashboard_url(snapshot, row.invoice_id, livemode=livemode) if row else None,
        "position": snapshot.position,
        **(mapping_of_line(snapshot, row) if row else {}),
    }


def _credits(snapshot: Snapshot, row: LineRow) -> list[tuple[str, int]]:
    of = CreditNoteFilter(livemode=row.livemode, invoice_id=row.invoice_id, status="issued")
    notes = list_credit_notes(snapshot, of, limit=_MOST_CREDITS, after=None)
    taken = ((note.number or note.credit_note_id, taken_by(note).get(row.invoice_line_item_id, 0)) for note in notes)
    return [(name, amount) for name, amount in taken if amount]


def _dashboard_url(snapshot: Snapshot, invoice_id: str, *, livemode: bool) -> str:
    # A path that begins with an account opens the dashboard in that account, if the reader has access to it.
    account = owned_account(snapshot.connection, snapshot.company_id)
    parts = [account.account_id] if account else []
    return "/".join([_STRIPES_DASHBOARD, *parts, *([] if livemode else ["test"]), "invoices", invoice_id])


def _indented(payload: bytes) -> str:
    try:
        return msgspec.json.format(payload, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return payload.decode(errors="replace")
