"""Serve a company's connection to Stripe as JSON: show, connect, disconnect, pause and resume it."""

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
    """The state of a company's connection (`status`), and of its syncs (`health`)."""

    object = fields.Constant("connection")
    status = fields.String(validate=validate.OneOf(_STATUSES))
    health = fields.String(validate=validate.OneOf(_HEALTH))
    account_id = fields.String(allow_none=True)
    account_name = fields.String(allow_none=True, metadata={"description": "The name at Stripe when it was connected."})
    livemode = fields.Boolean(allow_none=True)
    method = fields.String(
        allow_none=True, metadata={"description": "How it connects: connect, app or restricted_key."}
    )
    authorized_at = Instant(allow_none=True)
    last_success_at = Instant(allow_none=True)
    next_sync_at = Instant(allow_none=True)
    data_through = Instant(allow_none=True, metadata={"description": "The table is complete up to this time."})
    sends_events = fields.Boolean(
        metadata={
            "description": "Whether Stripe sends events to an endpoint created with the restricted key. Only returned"
            " when connecting with one."
        }
    )
    authorization_url = fields.String(
        metadata={
            "description": "The URL at which a person authorizes the connection. Only returned when connecting"
            " without a restricted key."
        }
    )


class Authorize(Schema):
    """How to connect: on Stripe's page by default, or with a restricted key of the account."""

    restricted_key = fields.String(
        load_only=True,
        validate=validate.Regexp(RESTRICTED_KEY, error="Not a restricted key: rk_live_…"),
        metadata={
            "description": "A restricted key that can read invoices, prices (plans) and customers. Preferably it can"
            " also write webhook endpoints."
        },
    )


class ConnectionRequest(Schema):
    """The headers of a request to connect."""

    idempotency_key = IdempotencyKey(
        metadata={
            "description": "Repeating a request with the same Idempotency-Key and restricted key connects only once,"
            " and returns the current state. A request for an authorization URL changes nothing and returns a new one."
        }
    )


@blueprint.get("/connection")
@for_role("viewer")
@without_parameters
@blueprint.response(200, ConnectionState)
def get_connection(company_id: int) -> dict[str, object]:
    """Retrieve the state of the connection."""
    return _state_of(company_id)


@blueprint.post("/connection")
@for_role("admin")
@without_parameters
@blueprint.arguments(ConnectionRequest, location="headers")
@blueprint.arguments(Authorize)
@blueprint.response(200, ConnectionState)
def connect_account(headers: dict[str, Any], body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Connect with a restricted key, or create the URL at which a person authorizes the connection.

    For a session it is the URL of Stripe's own page; for an API key, one of ours at which the person signs in first.
    """
    if "restricted_key" in body:
        sends_events = connect_by_key_once(
            company_id, body["restricted_key"], principal(), idempotency_key=headers.get("idempotency_key")
        )
        return _state_of(company_id) | {"sends_events": sends_events}
    if current_tools().connect is None:
        raise ConnectNotConfiguredError
    who = session() if principal().actor.startswith("user:") else None
    # The state is bound to a session. A key has none: the person who opens the URL signs in first.
    url = (
        stripes_page(company_id, who)
        if who
        else f"{current_tools().address.origin}/connect/stripe?company={company_id}"
    )
    return _state_of(company_id) | {"authorization_url": url}


@blueprint.delete("/connection")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def disconnect_account(company_id: int) -> dict[str, object]:
    """Disconnect the company, here and at Stripe. The table and its history are kept."""
    refuse_body(request)
    disconnect_company(company_id, actor=principal().actor)
    return _state_of(company_id)


@blueprint.post("/connection/pause")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def pause_connection(company_id: int) -> dict[str, object]:
    """Pause all requests to Stripe until the connection is resumed. Events that Stripe sends are still kept."""
    refuse_body(request)
    take_step(company_id, lifecycle.pause)
    return _state_of(company_id)


@blueprint.post("/connection/resume")
@for_role("admin")
@without_parameters
@blueprint.response(200, ConnectionState)
def resume_connection(company_id: int) -> dict[str, object]:
    """Resume a paused connection."""
    refuse_body(request)
    take_step(company_id, lifecycle.resume)
    return _state_of(company_id)


def _state_of(company_id: int) -> dict[str, object]:
    return health_of(company_id)._asdict()
