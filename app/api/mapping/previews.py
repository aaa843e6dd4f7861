"""Serve previews of rules as JSON: ask for one, follow it, cancel it, have it published."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for

from app.api.base import ApiBlueprint, without_parameters
from app.api.mapping.deciding import at_desk
from app.api.mapping.preview_schemas import Publishing, RulePreview
from app.api.mapping.schemas import KeyedRequest
from app.api.revenue_lines import mode_of
from app.auth.access import for_role
from app.http.bodies import refuse_body
from app.wiring.tools import current_tools
from events.stripe.money import exponent_of
from mapping import previews
from mapping.previews import Preview
from mapping.recorded import Desk

blueprint = ApiBlueprint(
    "rule previews", __name__, url_prefix="/v1/companies/<int:company_id>", description="What rules would change."
)
_LOCATION = {
    "Location": {"description": "The URL of the preview.", "schema": {"type": "string", "format": "uri-reference"}}
}
_ONE = "/rule-previews/<int:preview_id>"
_EMPTY: Mapping[str, Any] = {"cells": [], "lines": {}, "top_lines": [], "rules": []}
Asked = tuple[dict[str, object], dict[str, str]]


@blueprint.post("/rule-draft/previews")
@for_role("editor")
@without_parameters
@blueprint.arguments(KeyedRequest, location="headers")
@blueprint.response(202, RulePreview, headers=_LOCATION)
def preview_rule_draft(headers: dict[str, Any], company_id: int) -> Asked:
    """Ask what the draft would change, in all lines and in money. One that is under way is canceled."""
    refuse_body(request)

    def decide(desk: Desk) -> dict[str, object]:
        return _shown(desk, previews.preview_draft(desk, livemode=mode_of(desk.connection, company_id, None)))

    return _asked(company_id, at_desk(company_id, decide, key=headers.get("idempotency_key")))


@blueprint.post("/rule-sets/<int:version>/revert")
@for_role("admin")
@without_parameters
@blueprint.arguments(KeyedRequest, location="headers")
@blueprint.response(202, RulePreview, headers=_LOCATION)
def revert_rule_set(headers: dict[str, Any], company_id: int, version: int) -> Asked:
    """Ask what it would change to bring these rules back. Publish the preview to do so."""
    refuse_body(request)

    def decide(desk: Desk) -> dict[str, object]:
        livemode = mode_of(desk.connection, company_id, None)
        return _shown(desk, previews.preview_revert(desk, version, livemode=livemode))

    return _asked(company_id, at_desk(company_id, decide, key=headers.get("idempotency_key")))


@blueprint.get(_ONE)
@for_role("viewer")
@without_parameters
@blueprint.response(200, RulePreview)
def get_rule_preview(company_id: int, preview_id: int) -> dict[str, object]:
    """Retrieve a preview: how far it is, or what the rules would change."""
    return at_desk(company_id, lambda desk: _shown(desk, preview_id))


@blueprint.post(f"{_ONE}/cancel")
@for_role("editor")
@without_parameters
@blueprint.response(200, RulePreview)
def cancel_rule_preview(company_id: int, preview_id: int) -> dict[str, object]:
    """Cancel a preview that is under way. One that is over does not change."""
    refuse_body(request)

    def decide(desk: Desk) -> dict[str, object]:
        previews.cancel_preview(desk, preview_id)
        return _shown(desk, preview_id)

    return at_desk(company_id, decide)


@blueprint.post(f"{_ONE}/publish")
@for_role("admin")
@without_parameters
@blueprint.arguments(Publishing)
@blueprint.response(202, RulePreview, headers=_LOCATION)
def publish_rule_preview(body: dict[str, Any], company_id: int, preview_id: int) -> Asked:
    """Have the rules of a preview published: they map all lines, old and new, from then on."""

    def decide(desk: Desk) -> dict[str, object]:
        previews.ask_to_publish(desk, preview_id, body["note"])
        return _shown(desk, preview_id)

    return _asked(company_id, at_desk(company_id, decide))


def shown_preview(preview: Preview) -> dict[str, object]:
    """Return a preview as the `RulePreview` schema reads it."""
    result = preview.result or _EMPTY
    published = preview.status == "published" and {
        "version": preview.version,
        "position": preview.published_position,
        "rebased": bool(preview.since),
        "since": [shown_cell(cell) for cell in preview.since or []],
    }
    return {
        **preview._asdict(),
        **result,
        "cells": [shown_cell(cell) for cell in result["cells"]],
        "top_lines": [_with_exponent(line) for line in result["top_lines"]],
        "published": published or None,
    }


def _shown(desk: Desk, preview_id: int) -> dict[str, object]:
    return shown_preview(previews.find_preview(desk.connection, desk.company_id, preview_id))


def _asked(company_id: int, shown: dict[str, object]) -> Asked:
    current_tools().wake_preview()
    return shown, {"Location": url_for(".get_rule_preview", company_id=company_id, preview_id=shown["id"])}


def shown_cell(cell: Mapping[str, Any]) -> dict[str, object]:
    """Return a cell as the `PreviewCell` schema reads it."""
    # No month is closed yet.
    return {**_with_exponent(cell), "closed": False}


def _with_exponent(amounts: Mapping[str, Any]) -> dict[str, object]:
    return {**amounts, "currency_exponent": exponent_of(amounts["currency"])}
