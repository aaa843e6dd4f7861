"""Serve schedules of exports as JSON: add, list, change and delete them."""

from typing import Any

from flask import Response, abort, request, url_for
from flask_smorest import abort as refuse
from sqlalchemy import Connection

from app.api.base import ApiBlueprint, without_parameters
from app.api.exports.schedule_schemas import (
    ExportSchedule,
    ExportScheduleList,
    NewSchedule,
    ScheduleChanges,
    ScheduleRequest,
    as_parameters,
)
from app.auth.access import for_role, principal
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from backlog.exports import schedules
from backlog.exports.recurrence import Recurrence
from backlog.exports.schedules import Plan, ScheduleRow
from runtime.database import as_owner, within_company
from tenants.companies import find_company
from tenants.people.users import list_members

blueprint = ApiBlueprint(
    "export schedules",
    __name__,
    url_prefix="/v1/companies/<int:company_id>",
    description="Exports that people are told of regularly.",
)
_LOCATION = {
    "Location": {"description": "The URL of the schedule.", "schema": {"type": "string", "format": "uri-reference"}}
}
_OF_RECURRENCE = ("recurs", "day", "hour", "time_zone")


@blueprint.get("/export-schedules")
@for_role("editor")
@without_parameters
@blueprint.response(200, ExportScheduleList)
def list_export_schedules(company_id: int) -> dict[str, object]:
    """List the schedules of exports, oldest first, each with its last runs."""
    with within_company(current_tools().engine, company_id) as connection:
        rows = schedules.list_schedules(connection, company_id)
        return {"data": [_shown(connection, row) for row in rows], "has_more": False}


@blueprint.post("/export-schedules")
@for_role("editor")
@without_parameters
@blueprint.arguments(ScheduleRequest, location="headers")
@blueprint.arguments(NewSchedule)
@blueprint.response(201, ExportSchedule, headers=_LOCATION)
def add_export_schedule(
    headers: dict[str, Any], body: dict[str, Any], company_id: int
) -> tuple[dict[str, object], dict[str, str]]:
    """Add a schedule: at each due moment, people are told of the export as of that moment."""
    tools, key = current_tools(), headers.get("idempotency_key")
    plan = _plan(company_id, {"time_zone": _time_zone_of(company_id), **body})
    with within_company(tools.engine, company_id) as connection:
        schedule_id = schedules.add_schedule(
            connection, company_id, plan, actor=principal().actor, key=key, now=tools.clock()
        )
        (row,) = schedules.list_schedules(connection, company_id, schedule_id)
        shown = _shown(connection, row)
    return shown, {"Location": url_for(".change_export_schedule", company_id=company_id, schedule_id=schedule_id)}


@blueprint.patch("/export-schedules/<int:schedule_id>")
@for_role("editor")
@without_parameters
@blueprint.arguments(ScheduleChanges)
@blueprint.response(200, ExportSchedule)
def change_export_schedule(body: dict[str, Any], company_id: int, schedule_id: int) -> dict[str, object]:
    """Change a schedule, or pause or resume it. It is next due at the first moment after the change."""
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        held = _found(connection, company_id, schedule_id)
    # A day belongs to months: who makes it daily need not take the day away.
    day = {"day": None} if body.get("recurs") == "daily" and "day" not in body else {}
    plan = _plan(company_id, {**held._mapping, **body, **day})  # noqa: SLF001 - SQLAlchemy's public name for it
    is_paused = body.get("paused", held.due_at is None)
    with within_company(tools.engine, company_id) as connection:
        schedules.change_schedule(connection, company_id, schedule_id, plan, is_paused=is_paused, now=tools.clock())
        return _shown(connection, _found(connection, company_id, schedule_id))


@blueprint.delete("/export-schedules/<int:schedule_id>")
@for_role("editor")
@without_parameters
@blueprint.response(204)
def delete_export_schedule(company_id: int, schedule_id: int) -> Response:
    """Delete a schedule and what is known of its past runs."""
    refuse_body(request)
    with within_company(current_tools().engine, company_id) as connection:
        _found(connection, company_id, schedule_id)
        schedules.delete_schedule(connection, company_id, schedule_id)
    return Response(status=204)


def _found(connection: Connection, company_id: int, schedule_id: int) -> ScheduleRow:
    rows = schedules.list_schedules(connection, company_id, schedule_id) if schedule_id < 2**63 else []
    if not rows:
        abort(404)
    return rows[0]


def _plan(company_id: int, body: dict[str, Any]) -> Plan:
    if (body["recurs"] == "monthly") != (body["day"] is not None):
        _refuse("day", "A monthly schedule has a day of the month, a daily one has none.")
    emails = [address.lower() for address in body["emails"]]
    if strangers := set(emails) - _addresses_of_members(company_id):
        _refuse("emails", f"Not addresses of members: {', '.join(sorted(strangers))}.")
    recurrence = Recurrence(*(body[name] for name in _OF_RECURRENCE))
    return Plan(body["format"], as_parameters(body["view"]), recurrence, list(dict.fromkeys(emails)))


def _time_zone_of(company_id: int) -> str:
    with as_owner(current_tools().engine) as connection:
        company = find_company(connection, company_id)
    return company.time_zone if company else "UTC"


def _addresses_of_members(company_id: int) -> set[str]:
    with as_owner(current_tools().engine) as connection:
        return {member.email for member in list_members(connection, company_id)}


def _refuse(name: str, message: str) -> None:
    refuse(422, messages={"json": {name: [message]}})


def _shown(connection: Connection, row: ScheduleRow) -> dict[str, object]:
    origin = current_tools().address.origin
    runs = schedules.runs_of(connection, row.company_id, row.id)
    shown_runs = [run._asdict() | {"url": origin + schedules.export_path(row, run.position)} for run in runs]
    state = {"paused": row.due_at is None, "next_due_at": row.due_at, "runs": shown_runs}
    return {**row._mapping, **state}  # noqa: SLF001 - SQLAlchemy's public name for it
