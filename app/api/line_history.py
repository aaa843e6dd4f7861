"""Serve the history of a line, and the events of the log with their unchanged bodies."""

from datetime import UTC, date, datetime
from typing import Any

from flask import abort

from app.api.base import ApiBlueprint, without_parameters
from app.api.fact_schemas import Event, History, HistoryQuery
from app.api.revenue_lines import mode_of
from app.auth.access import for_role
from app.wiring.tools import current_tools
from events.log.read import RecordedEvent, read_at
from projections.reads.history import Step, history_of
from projections.reads.snapshots import snapshot_of
from runtime.database import within_company

blueprint = ApiBlueprint("history", __name__, url_prefix="/v1/companies/<int:company_id>")

_LAST_POSITION = 2**63 - 1


@blueprint.get("/revenue-lines/<line_id>/history")
@for_role("viewer")
@blueprint.arguments(HistoryQuery, location="query")
@blueprint.response(200, History)
def get_revenue_line_history(query: dict[str, Any], company_id: int, line_id: str) -> dict[str, object]:
    """Retrieve the history of a revenue line: every event about it, what it changed, and why it did or did not."""
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        livemode = mode_of(snapshot.connection, company_id, query.get("livemode"))
        # PostgreSQL's text cannot hold a NUL: no line has such an id.
        if "\x00" in line_id:
            abort(404)
        history = history_of(snapshot, line_id, livemode=livemode, before=query.get("before"))
    if history.first is None:
        abort(404)
    data = list(map(_step_as_json, history.steps))
    return {"data": data, "has_more": history.has_more, "position": snapshot.position}


@blueprint.get("/events/<int:position>")
@for_role("editor")
@without_parameters
@blueprint.response(200, Event)
def get_event(company_id: int, position: int) -> dict[str, object]:
    """Retrieve an event of the log with its unchanged body. Bodies contain customers' names and addresses."""
    with within_company(current_tools().engine, company_id) as connection:
        found = read_at(connection, company_id, [position]) if position <= _LAST_POSITION else []
    if not found:
        abort(404)
    (event,) = found
    body = {"payload": event.payload.decode(), "payload_sha256": event.payload_sha256.hex()}
    return {**event._asdict(), **_reference(event), **body}


def _step_as_json(step: Step) -> dict[str, object]:
    before, after = ({name: _json(value) for name, value in row.items()} for row in (step.before, step.after))
    return {**step._asdict(), "event": _reference(step.event), "before": before, "after": after}


def _reference(event: RecordedEvent) -> dict[str, object]:
    # Within a company an event's identity also names account and mode: only the last part is the source's own id.
    return {**event._asdict(), "id": event.external_id.rpartition("/")[2]}


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value
