"""Serve revenue streams and their plans as JSON: list, add and change them."""

from typing import Any

from flask import url_for

from app.api.base import ApiBlueprint, without_parameters
from app.api.mapping.deciding import at_desk, log_at
from app.api.mapping.schemas import (
    AsOfQuery,
    KeyedRequest,
    NewPlan,
    NewStream,
    PlanChanges,
    RevenueStream,
    RevenueStreamList,
    StreamChanges,
)
from app.auth.access import for_role
from mapping import streams
from mapping.recorded import Desk
from mapping.stream_documents import written_stream
from projections.mapping.reading_outcomes import read_treatment
from projections.mapping.writing_rules import Json, treatment_document

blueprint = ApiBlueprint(
    "streams", __name__, url_prefix="/v1/companies/<int:company_id>", description="Where revenue is reported."
)
_LOCATION = {
    "Location": {"description": "The URL of the stream.", "schema": {"type": "string", "format": "uri-reference"}}
}
_ONE = "/streams/<stream_id>"


@blueprint.get("/streams")
@for_role("viewer")
@blueprint.arguments(AsOfQuery, location="query")
@blueprint.response(200, RevenueStreamList)
def list_streams(query: dict[str, Any], company_id: int) -> dict[str, object]:
    """List the revenue streams with their plans, oldest first, archived ones too."""
    with log_at(company_id, query.get("as_of")) as (connection, position):
        found = streams.streams_at(connection, company_id, position)
    data = [written_stream(stream_id, stream) for stream_id, stream in found.items()]
    return {"data": data, "has_more": False, "next_cursor": None, "position": position}


@blueprint.post("/streams")
@for_role("editor")
@without_parameters
@blueprint.arguments(KeyedRequest, location="headers")
@blueprint.arguments(NewStream)
@blueprint.response(201, RevenueStream, headers=_LOCATION)
def create_stream(
    headers: dict[str, Any], body: dict[str, Any], company_id: int
) -> tuple[dict[str, object], dict[str, str]]:
    """Add a revenue stream."""
    treatment = _treatment(body["default_treatment"])

    def decide(desk: Desk) -> dict[str, object]:
        return _shown(desk, streams.create_stream(desk, body["name"], body["code"], treatment))

    shown = at_desk(company_id, decide, key=headers.get("idempotency_key"))
    return shown, {"Location": url_for(".change_stream", company_id=company_id, stream_id=shown["id"])}


@blueprint.patch(_ONE)
@for_role("editor")
@without_parameters
@blueprint.arguments(StreamChanges)
@blueprint.response(200, RevenueStream)
def change_stream(body: dict[str, Any], company_id: int, stream_id: str) -> dict[str, object]:
    """Change a revenue stream, archive it, or restore it. Lines that are booked while it is archived are unmapped."""
    if "default_treatment" in body:
        body = {**body, "default_treatment": _treatment(body["default_treatment"])}

    def decide(desk: Desk) -> dict[str, object]:
        streams.change_stream(desk, stream_id, body)
        return _shown(desk, stream_id)

    return at_desk(company_id, decide)


@blueprint.post(f"{_ONE}/plans")
@for_role("editor")
@without_parameters
@blueprint.arguments(KeyedRequest, location="headers")
@blueprint.arguments(NewPlan)
@blueprint.response(201, RevenueStream)
def create_plan(headers: dict[str, Any], body: dict[str, Any], company_id: int, stream_id: str) -> dict[str, object]:
    """Add a plan to a revenue stream, and return the stream."""

    def decide(desk: Desk) -> dict[str, object]:
        streams.create_plan(desk, stream_id, body["name"])
        return _shown(desk, stream_id)

    return at_desk(company_id, decide, key=headers.get("idempotency_key"))


@blueprint.patch(f"{_ONE}/plans/<plan_id>")
@for_role("editor")
@without_parameters
@blueprint.arguments(PlanChanges)
@blueprint.response(200, RevenueStream)
def change_plan(body: dict[str, Any], company_id: int, stream_id: str, plan_id: str) -> dict[str, object]:
    """Rename a plan, archive it, or restore it, and return its stream."""

    def decide(desk: Desk) -> dict[str, object]:
        streams.change_plan(desk, stream_id, plan_id, body)
        return _shown(desk, stream_id)

    return at_desk(company_id, decide)


def _shown(desk: Desk, stream_id: str) -> dict[str, Any]:
    return written_stream(stream_id, streams.streams_at(desk.connection, desk.company_id)[stream_id])


def _treatment(document: object) -> Json | None:
    treatment = read_treatment(document, pointer="/json/default_treatment")
    return treatment and treatment_document(treatment)
