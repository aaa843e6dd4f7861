"""Serve overrides as JSON: for one line, for a subscription, and for all lines of a filter."""

from typing import Any

from flask import request

from app.api.base import ApiBlueprint, without_parameters
from app.api.mapping import override_steps as steps
from app.api.mapping.override_schemas import (
    MappingOverride,
    NewOverride,
    NewOverrideBatch,
    OverrideBatch,
    OverrideQuery,
)
from app.api.mapping.schemas import KeyedRequest
from app.auth.access import for_role
from app.http.bodies import refuse_body

blueprint = ApiBlueprint(
    "overrides", __name__, url_prefix="/v1/companies/<int:company_id>", description="What people chose over rules."
)
_LINE, _SUBSCRIPTION = "/revenue-lines/<line_id>/mapping", "/subscriptions/<subscription_id>/mapping"


@blueprint.put(_LINE)
@for_role("editor")
@blueprint.arguments(OverrideQuery, location="query")
@blueprint.arguments(NewOverride)
@blueprint.response(200, MappingOverride)
def override_line(query: dict[str, Any], body: dict[str, Any], company_id: int, line_id: str) -> dict[str, object]:
    """Map a revenue line by hand, whatever rules say."""
    return steps.override_line(company_id, line_id, body, query.get("livemode"))


@blueprint.delete(_LINE)
@for_role("editor")
@blueprint.arguments(OverrideQuery, location="query")
@blueprint.response(204)
def release_line(query: dict[str, Any], company_id: int, line_id: str) -> None:
    """Have a revenue line mapped by its subscription's override or by rules again."""
    refuse_body(request)
    steps.release_line(company_id, line_id, query.get("livemode"))


@blueprint.put(_SUBSCRIPTION)
@for_role("editor")
@blueprint.arguments(OverrideQuery, location="query")
@blueprint.arguments(NewOverride)
@blueprint.response(200, MappingOverride)
def override_subscription(
    query: dict[str, Any], body: dict[str, Any], company_id: int, subscription_id: str
) -> dict[str, object]:
    """Map all lines of a subscription by hand, also those to come, but for lines that have an override themselves."""
    return steps.override_subscription(company_id, subscription_id, body, query.get("livemode"))


@blueprint.delete(_SUBSCRIPTION)
@for_role("editor")
@blueprint.arguments(OverrideQuery, location="query")
@blueprint.response(204)
def release_subscription(query: dict[str, Any], company_id: int, subscription_id: str) -> None:
    """Have the lines of a subscription mapped by rules again."""
    refuse_body(request)
    steps.release_subscription(company_id, subscription_id, query.get("livemode"))


@blueprint.post("/mapping-overrides")
@for_role("editor")
@without_parameters
@blueprint.arguments(KeyedRequest, location="headers")
@blueprint.arguments(NewOverrideBatch)
@blueprint.response(201, OverrideBatch)
@blueprint.alt_response(200, schema=OverrideBatch, description="What it would come to.")
def override_lines(headers: dict[str, Any], body: dict[str, Any], company_id: int) -> tuple[dict[str, object], int]:
    """Map all lines of a filter by hand, as one batch; with `dry_run`, say how many and what they come to."""
    if body["dry_run"]:
        return steps.would_override(company_id, body), 200
    return steps.override_lines(company_id, body, key=headers.get("idempotency_key")), 201


@blueprint.delete("/mapping-overrides/<batch_id>")
@for_role("editor")
@without_parameters
@blueprint.response(204)
def undo_override_batch(company_id: int, batch_id: str) -> None:
    """Undo a batch: its lines are again what they were before it. Refused if something was chosen for them since."""
    refuse_body(request)
    steps.undo(company_id, batch_id)
