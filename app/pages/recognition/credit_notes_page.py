"""The Credit notes page: what each takes from revenue, what found no line, and those that could not be read."""

from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, abort, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from sqlalchemy import Row
from werkzeug.wrappers import Response

from app.api.revenue_lines import mode_of
from app.connect.state import health_in
from app.http.fields import Flag
from app.pages.frame import for_member, framed
from app.pages.unreadable import reason_in_words
from app.wiring.cursors import InvalidCursorError
from app.wiring.tools import current_tools
from events.stripe.credit_note import STATUSES
from projections.reads.credit_notes import CreditNoteFilter, list_credit_notes, mark_of, taken_by
from projections.reads.missing import MOST_COUNTED
from projections.reads.snapshots import NotFoldedYetError, Snapshot, snapshot_of
from projections.reads.table.lines import list_quarantined

HERE = "credit-notes"
_AT_A_TIME = 50

blueprint = Blueprint("credit notes of a company", __name__, url_prefix="/companies/<int:company_id>/credit-notes")


class _Query(Schema):
    status = fields.String(validate=validate.OneOf(STATUSES))
    livemode = Flag()
    cursor = fields.String(validate=validate.Length(1, 2000))


class ShownNote(NamedTuple):
    """A credit note, what it takes from each line by the line's id, and what is still missing, in words."""

    row: Row[Any]
    taken: dict[str, int]
    waits: str | None


class UnreadNote(NamedTuple):
    """A fact about a credit note that could not be read, and why."""

    recorded_at: datetime
    entity: str
    says: str


@blueprint.get("")
@for_member("viewer")
def show_credit_notes(company_id: int) -> Response:
    """List credit notes, the newest day first."""
    try:
        query: dict[str, Any] = _Query().load(request.args.to_dict(), unknown=RAISE)
        with snapshot_of(current_tools().engine, company_id) as snapshot:
            content = _content(snapshot, query)
    except (ValidationError, InvalidCursorError):
        abort(422)
    except NotFoldedYetError:
        return framed("recognition/not_yet.html", here=HERE, status=503)
    return framed("recognition/credit_notes.html", here=HERE, query=query, statuses=STATUSES, **content)


def _content(snapshot: Snapshot, query: dict[str, Any]) -> dict[str, Any]:
    cursors = current_tools().cursors
    livemode = mode_of(snapshot.connection, snapshot.company_id, query.get("livemode"))
    of = CreditNoteFilter(livemode=livemode, status=query.get("status"))
    digest = sha256(f"{snapshot.company_id}|page|{of.as_text()}".encode()).hexdigest()[:32]
    after = cursors.read_credit_note(digest, query["cursor"]) if "cursor" in query else None
    rows = list_credit_notes(snapshot, of, limit=_AT_A_TIME + 1, after=after)
    shown = rows[:_AT_A_TIME]
    kept = {name: value for name, value in request.args.items() if name != "cursor"}
    following = cursors.write_credit_note(digest, mark_of(shown[-1])) if len(rows) > len(shown) else None
    return {
        "notes": [ShownNote(row, taken_by(row), _waits(row)) for row in shown],
        "unread": [] if after else _unread(snapshot, livemode=livemode),
        "older": urlencode({**kept, "cursor": following}) if following else None,
        "connection": health_in(snapshot.connection, snapshot.company_id),
    }


def _waits(row: Row[Any]) -> str | None:
    if row.status != "issued":
        return None
    if not row.is_invoice_known:
        return "Waits for its invoice"
    return None if row.is_complete else "Fetching its lines"


def _unread(snapshot: Snapshot, *, livemode: bool) -> list[UnreadNote]:
    facts = list_quarantined(snapshot, limit=MOST_COUNTED, before=None)
    return [
        UnreadNote(fact.recorded_at, fact.entity, reason_in_words(fact.entity, fact.reason))
        for fact in facts
        if (fact.entity or "").startswith("credit_note:") and fact.livemode == livemode and not fact.is_resolved
    ]
