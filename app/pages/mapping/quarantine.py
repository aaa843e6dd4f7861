"""The page of what could not be read: why in plain words, and a form that fetches it again from Stripe."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, abort, make_response, redirect, request
from werkzeug.wrappers import Response

from app.http.rate_limits import Limit
from app.pages.forms import LONGEST_FORM_BYTES
from app.pages.frame import for_member, framed
from app.pages.mapping.addresses import table_address
from app.pages.mapping.table import HERE, understood
from app.pages.unreadable import reason_in_words
from app.pages.wording import ago
from app.wiring.tools import current_tools
from backlog.fetch_requests import FetchedObject, LatestFetch, latest_fetches, request_fetches
from events.connection.accounts import connection_state
from events.connection.lifecycle import NotConnectedError
from projections.reads.missing import MOST_COUNTED
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.reads.table.lines import LineRow, list_quarantined
from runtime.database import within_company

blueprint = Blueprint("quarantine", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping")

_LAST_POSITION = 2**63 - 1
_FETCHES = Limit("fetches-again", attempts=60, seconds=3600)
# How Stripe's API calls the objects that facts are about: a plan is read as the price of the same id.
_FETCHED_AS = {
    "invoice": "invoice",
    "credit_note": "credit_note",
    "price": "price",
    "plan": "price",
    "product": "product",
    "customer": "customer",
}


class Unread(NamedTuple):
    """A fact that could not be read. `fetched` says what fetching its object again did; "" if that was not tried."""

    position: int
    recorded_at: datetime
    entity: str | None
    livemode: bool
    says: str
    reason: str
    is_resolved: bool
    can_be_fetched: bool
    fetched: str


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.get("/quarantine")
@for_member("viewer")
def show_quarantine(company_id: int) -> Response:
    """List the quarantined facts, newest first, each with the reason why it could not be read."""
    view = understood(company_id)
    with snapshot_of(current_tools().engine, company_id, view.moment) as snapshot:
        before = min(view.query["row"] if "row" in view.words else _LAST_POSITION, snapshot.position + 1)
        rows = list_quarantined(snapshot, limit=MOST_COUNTED, before=before)
        facts = _unread(snapshot, rows)
    has_more = len(facts) == MOST_COUNTED
    return framed("mapping/quarantine.html", here=HERE, view=view, facts=facts, has_more=has_more)


@blueprint.post("/quarantine/<int:position>/fetch")
@for_member("editor")
def fetch_again(company_id: int, position: int) -> Response:
    """Request the object of a quarantined fact from Stripe as a fresh fact, and redirect to the list. Safe to repeat.

    :raises NotConnectedError: Stripe cannot be asked
    :raises TooManyAttemptsError: the company fetches too much by hand
    """
    tools = current_tools()
    with snapshot_of(tools.engine, company_id) as snapshot:
        found = list_quarantined(snapshot, limit=1, before=min(position, _LAST_POSITION - 1) + 1)
    of = _object_of(found[0]) if found and found[0].position == position else None
    if of is None:
        abort(404)
    tools.limits.count(_FETCHES, str(company_id))
    with within_company(tools.engine, company_id) as connection:
        state = connection_state(connection, company_id)
        if state is None or state.status != "connected":
            raise NotConnectedError(state.status if state else None)
        request_fetches(connection, company_id, of.kind, [of.object_id], livemode=of.livemode)
    tools.wake_fetch()
    return make_response(redirect(table_address(company_id, "/quarantine"), 303))


def _unread(snapshot: Snapshot, rows: Sequence[LineRow]) -> list[Unread]:
    objects = [one for one in map(_object_of, rows) if one is not None]
    fetches = latest_fetches(snapshot.connection, snapshot.company_id, objects) if objects else {}
    return [_unread_of(row, fetches) for row in rows]


def _unread_of(row: LineRow, fetches: dict[FetchedObject, LatestFetch]) -> Unread:
    of = _object_of(row)
    fetch = fetches.get(of) if of else None
    return Unread(
        row.position,
        row.recorded_at,
        row.entity,
        row.livemode,
        reason_in_words(row.entity, row.reason),
        row.reason,
        row.is_resolved,
        can_be_fetched=of is not None and not row.is_resolved and (fetch is None or fetch.answered_at is not None),
        fetched=_in_words(fetch, is_resolved=row.is_resolved) if fetch else "",
    )


def _in_words(fetch: LatestFetch, *, is_resolved: bool) -> str:
    if fetch.answered_at is None:
        waiting = "Stripe hasn't answered yet. We'll ask again." if fetch.error else "Fetching from Stripe."
        return f"{waiting} Reload to see the result."
    if fetch.error:
        return f"Fetched {ago(fetch.answered_at)}: Stripe no longer has it."
    result = "now we can read it" if is_resolved else "Stripe still sends it like this"
    return f"Fetched {ago(fetch.answered_at)}: {result}."


def _object_of(row: LineRow) -> FetchedObject | None:
    kind, _, object_id = (row.entity or "").partition(":")
    return FetchedObject(row.livemode, _FETCHED_AS[kind], object_id) if kind in _FETCHED_AS and object_id else None
