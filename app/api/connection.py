"""A company's connection to Stripe as JSON: how it stands, and what may be done with it."""

from typing import Any

from flask import request
from marshmallow import Schema, fields, validate

from app.api.base import ApiBlueprint, without_parameters
from app.auth.access import for_role, principal
from app.auth.sessions import session
from app.connect.disconnect import disconnect_company
from app.connect.grants import ConnectNotConfiguredError
from app.connect.oauth import stripes_page
from app.connect.restricted_key import RESTRICTED_KEY, connect_by_key_once
from app.connect.state import health_of, take_step
from app.http.bodies import refuse_body
from app.http.fields import IdempotencyKey, Instant
from app.wiring.tools import current_tools
from events.connection import lifecycle

blueprint = ApiBlueprint(
    "connection", __name__, url_prefix="/v1/companies/<int:company_id>", description="The connection to Stripe."
)
_STATUSES = ("pending_authorization", "connected", "reauthorization_required", "paused", "disconnected")
_HEALTH = ("never_synced", "syncing", "healthy", "delayed", "failing", "action_required")


class ConnectionState(Schema):
    """How a company's connection stands (`status`), and how its syncs do (`health`)."""

    object = fields.Constant("connection")
    status = fields.String(validate=validate.OneOf(_STATUSES))
    health = fields.String(validate=validate.OneOf(_HEALTH))
    account_id = fields.String(allow_none=True)
    account_name = fields.String(allow_none=True, metadata={"description": "As Stripe had it when it was connected."})
    livemode = fields.Boolean(allow_none=True)
    method = fields.String(allow_none=True, metadata={"description": "connect, app or restricted_key."})
    authorized_at = Instant(allow_none=True)
    last_success_at = Instant(allow_none=True)
    next_sync_at = Instant(allow_none=True)
    data_through = Instant(allow_none=True, metadata={"description": "The table is complete up to here."})
    sends_events = fields.Boolean(metadata={"description": "Only in the answer to a key: it made its own endpoint."})
    authorization_url = fields.String(metadata={"description": "Where a person agrees; only in the answer to POST."})


class Authorize(Schema):
    """How to connect: with nothing, on Stripe's page; or with a restricted key of the account."""

    restricted_key = fields.String(
        load_only=True,
        validate=validate.Regexp(RESTRICTED_KEY, error="Not a restricted key: rk_live_…"),
        metadata={
            "description": "A key that may read invoices, prices (plans) and customers; better also write webhooks."
        },
    )


class ConnectionRequest(Schema):
    """What comes with asking for a connection."""

    idempotency_key = IdempotencyKey(
        metadata={
            "description": "The same key connects by the same restricted key once, and then tells how the connection"
            " stands. An address of Stripe's page changes nothing and is made anew."
        }
    )


@blueprint.get("/connection")
@for_role("viewer")
@without_parameters
@blueprint.response(200, ConnectionState)
def show_connection(company_id: int) -> dict[str, object]:
    """Tell how the connection stands."""
    return _told(company_id)


@blueprint.post("/connection")
@for_role("admin")
@without_parameters
@blueprint.arguments(ConnectionRequest, location="headers")
@blueprint.arguments(Authorize)
@blueprint.response(200, ConnectionState)
def begin_connection(headers: dict[str, Any], asked: dict[str, Any], company_id: int) -> dict[str, object]:
    """Connect by a restricted key, or tell where a person connects: for a session on Stripe's own page."""
    if "restricted_key" in asked:
        sends_events = connect_by_key_once(
            company_id, asked["restricted_key"], principal(), idempotency_key=headers.get("idempotency_key")
        )
        return _told(company_id) | {"sends_events": sends_events}
    if current_tools().connect is None:
        raise ConnectNotConfiguredError
    who = session() if principal().actor.startswith("user:") else None
    # The state is bound to a session. A key has none: whoever follows the address signs in first.
    url = (
        stripes_page(company_id, who)
        if who
        else f"{current_tools().address.origin}/connect/stripe?company={company_id}"
    )
    return _told(company_id) | {"authorization_url": url}


@blueprint.delete("/connection")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def end_connection(company_id: int) -> dict[str, object]:
    """Disconnect, here and at Stripe. The table and its history stay."""
    refuse_body(request)
    disconnect_company(company_id, actor=principal().actor)
    return _told(company_id)


@blueprint.post("/connection/pause")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def pause_connection(company_id: int) -> dict[str, object]:
    """Ask Stripe for nothing until it is resumed. What Stripe sends by itself is still kept."""
    refuse_body(request)
    take_step(company_id, lifecycle.pause)
    return _told(company_id)


@blueprint.post("/connection/resume")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def resume_connection(company_id: int) -> dict[str, object]:
    """Go on after a pause."""
    refuse_body(request)
    take_step(company_id, lifecycle.resume)
    return _told(company_id)


def _told(company_id: int) -> dict[str, object]:
    return health_of(company_id)._asdict()
