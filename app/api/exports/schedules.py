"""Serve schedules of exports as JSON: add, list, change and delete them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, request, url_for
from flask_smorest import abort as refuse

from app.api.base import ApiBlueprint, without_parameters
from app.api.exports import schedule_steps as steps
from app.api.exports.schedule_schemas import (
    ExportSchedule,
    ExportScheduleList,
    NewSchedule,
    ScheduleChanges,
    ScheduleRequest,
)
from app.api.exports.schedule_steps import Scheduled, UnusablePlanError
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from backlog.exports.schedules import export_path

blueprint = ApiBlueprint(
    "export schedules",
    __name__,
    url_prefix="/v1/companies/<int:company_id>",
    description="Exports that people are told of regularly.",
)
_LOCATION = {
    "Location": {"description": "The URL of the schedule.", "schema": {"type": "string", "format": "uri-reference"}}
}


@blueprint.get("/export-schedules")
@for_role("editor")
@without_parameters
@blueprint.response(200, ExportScheduleList)
def list_export_schedules(company_id: int) -> dict[str, object]:
    """List the schedules of exports, oldest first, each with its last runs."""
    return {"data": [_shown(one) for one in steps.all_schedules(company_id)], "has_more": False}


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
    with _refusing_plans():
        added = steps.add_schedule(company_id, body, key=headers.get("idempotency_key"))
    location = url_for(".change_export_schedule", company_id=company_id, schedule_id=added.row.id)
    return _shown(added), {"Location": location}


@blueprint.patch("/export-schedules/<int:schedule_id>")
@for_role("editor")
@without_parameters
@blueprint.arguments(ScheduleChanges)
@blueprint.response(200, ExportSchedule)
def change_export_schedule(body: dict[str, Any], company_id: int, schedule_id: int) -> dict[str, object]:
    """Change a schedule, or pause or resume it. It is next due at the first moment after the change."""
    with _refusing_plans():
        return _shown(steps.alter_schedule(company_id, schedule_id, body))


@blueprint.delete("/export-schedules/<int:schedule_id>")
@for_role("editor")
@without_parameters
@blueprint.response(204)
def delete_export_schedule(company_id: int, schedule_id: int) -> Response:
    """Delete a schedule and what is known of its past runs."""
    refuse_body(request)
    steps.remove_schedule(company_id, schedule_id)
    return Response(status=204)


@contextmanager
def _refusing_plans() -> Iterator[None]:
    try:
        yield
    except UnusablePlanError as error:
        refuse(422, messages={"json": {error.field: [error.says]}})


def _shown(scheduled: Scheduled) -> dict[str, object]:
    row, origin = scheduled.row, current_tools().address.origin
    runs = [run._asdict() | {"url": origin + export_path(row, run.position)} for run in scheduled.runs]
    state = {"paused": row.due_at is None, "next_due_at": row.due_at, "runs": runs}
    return {**row._mapping, **state}  # noqa: SLF001 - SQLAlchemy's public name for it
