"""Serve syncs as JSON: request, list, follow and cancel them."""

import json
from hashlib import sha256
from typing import Any

from flask import Response, request, url_for
from sqlalchemy import Connection

from app.api.base import ApiBlueprint, without_parameters
from app.api.sync_schemas import ResumedStream, SyncEvent, SyncRequest, SyncRun, SyncRunList, SyncsQuery
from app.api.syncing import SyncDetails, ask_for_sync, found_run, is_over, stop_sync, sync_details
from app.auth.access import for_role, still_let_in
from app.http.bodies import refuse_body
from app.http.event_stream import State, streamed, told_as_events
from app.wiring.tools import current_tools
from backlog.syncs import requests
from runtime.database import across_companies, within_company

blueprint = ApiBlueprint(
    "syncs", __name__, url_prefix="/v1/companies/<int:company_id>", description="Syncs with Stripe."
)
_LOCATION = {
    "Location": {"description": "The URL of the sync.", "schema": {"type": "string", "format": "uri-reference"}}
}


@blueprint.post("/syncs")
@for_role("editor")
@without_parameters
@blueprint.arguments(SyncRequest, location="headers")
@blueprint.response(202, SyncRun, headers=_LOCATION)
def start_sync(headers: dict[str, Any], company_id: int) -> tuple[SyncDetails, dict[str, str]]:
    """Request a sync. While one is under way, that one is returned."""
    refuse_body(request)
    sync = ask_for_sync(company_id, idempotency_key=headers.get("idempotency_key"))
    return sync, {"Location": url_for(".get_sync", company_id=company_id, run_id=sync["id"])}


@blueprint.get("/syncs")
@for_role("viewer")
@blueprint.arguments(SyncsQuery, location="query")
@blueprint.response(200, SyncRunList)
def list_syncs(query: dict[str, Any], company_id: int) -> SyncDetails:
    """List syncs, newest first, one page at a time."""
    tools = current_tools()
    before = tools.cursors.read_run(company_id, query["cursor"]) if "cursor" in query else None
    with within_company(tools.engine, company_id) as connection:
        runs = requests.list_runs(connection, company_id, limit=query["limit"] + 1, before=before)
        page, has_more = runs[: query["limit"]], len(runs) > query["limit"]
        data = [sync_details(connection, run, has_details=False) for run in page]
    next_cursor = tools.cursors.write_run(company_id, page[-1].id) if has_more else None
    return {"data": data, "has_more": has_more, "next_cursor": next_cursor}


@blueprint.get("/syncs/<int:run_id>")
@for_role("viewer")
@without_parameters
@blueprint.response(200, SyncRun)
def get_sync(company_id: int, run_id: int) -> SyncDetails:
    """Retrieve a sync: its progress, or its result once it is over."""
    with within_company(current_tools().engine, company_id) as connection:
        return sync_details(connection, found_run(connection, company_id, run_id))


@blueprint.post("/syncs/<int:run_id>/cancel")
@for_role("editor")
@without_parameters
@blueprint.response(200, SyncRun, description="The sync is over.")
@blueprint.alt_response(202, schema=SyncRun, description="The sync stops before its next page.")
def cancel_sync(company_id: int, run_id: int) -> tuple[SyncDetails, int]:
    """Cancel a sync. What it has read is kept; a sync that is over does not change."""
    refuse_body(request)
    sync = stop_sync(company_id, run_id)
    return sync, 200 if sync["finished_at"] else 202


@blueprint.get("/syncs/<int:run_id>/events")
@for_role("viewer")
@without_parameters
@blueprint.arguments(ResumedStream, location="headers")
@blueprint.response(
    200, SyncEvent, content_type="text/event-stream", description="An event for every change, until the sync is over."
)
@blueprint.alt_response(204, description="The sync is over and its last event was received: stop listening.")
def follow_sync(headers: dict[str, Any], company_id: int, run_id: int) -> Response:
    """Follow a sync through server-sent events: `progress` for every change, `finished` when it is over."""
    tools, is_let_in, known_id = current_tools(), still_let_in(), headers.get("last_event_id")
    with within_company(tools.engine, company_id) as connection:
        state = _state(connection, found_run(connection, company_id, run_id))
    if state.is_final and state.id == known_id:
        return Response(status=204)

    def look() -> State | None:
        with across_companies(tools.engine) as connection:
            if not is_let_in(connection):
                return None
        with within_company(tools.engine, company_id) as connection:
            run = requests.find_run(connection, company_id, run_id)
            return _state(connection, run) if run is not None else None

    events = told_as_events(state, look, tools.pause, known_id=known_id)
    return streamed(events, company_id=company_id)


def _state(connection: Connection, run: requests.SyncRun) -> State:
    payload = json.dumps(SyncRun().dump(sync_details(connection, run)))
    return State(f"{run.id}-{sha256(payload.encode()).hexdigest()[:16]}", payload, is_over(run))
