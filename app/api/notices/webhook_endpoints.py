"""Serve webhook endpoints as JSON: create, change, delete them, and look at what was sent to them."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from flask_smorest import abort

from app.api.base import ApiBlueprint, without_parameters
from app.api.notices import endpoint_steps as steps
from app.api.notices.webhook_schemas import (
    DeliveriesQuery,
    EndpointChanges,
    NewEndpoint,
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookEndpoint,
    WebhookEndpointList,
    WebhookEndpointWithSecret,
)
from app.auth.access import for_role
from app.http.bodies import refuse_body
from notices.endpoints import Endpoint, Wanted
from notices.outbound import UnusableUrlError

Done = TypeVar("Done")

blueprint = ApiBlueprint(
    "webhook-endpoints", __name__, url_prefix="/v1/companies/<int:company_id>", description="Webhooks that we send."
)
_ONE = "/webhook-endpoints/<int:endpoint_id>"


@blueprint.get("/webhook-endpoints")
@for_role("admin")
@without_parameters
@blueprint.response(200, WebhookEndpointList)
def list_webhook_endpoints(company_id: int) -> dict[str, object]:
    """List the webhook endpoints."""
    return {"data": steps.all_endpoints(company_id)}


@blueprint.post("/webhook-endpoints")
@for_role("admin")
@without_parameters
@blueprint.arguments(NewEndpoint)
@blueprint.response(201, WebhookEndpointWithSecret)
def create_webhook_endpoint(body: dict[str, Any], company_id: int) -> dict[str, object]:
    """Create a webhook endpoint. Its secret is in this answer alone."""
    return _with_secret(*_at_usable_url(lambda: steps.add_endpoint(company_id, Wanted(**body))))


@blueprint.get(_ONE)
@for_role("admin")
@without_parameters
@blueprint.response(200, WebhookEndpoint)
def get_webhook_endpoint(company_id: int, endpoint_id: int) -> Endpoint:
    """Retrieve a webhook endpoint."""
    return steps.one_endpoint(company_id, endpoint_id)


@blueprint.patch(_ONE)
@for_role("admin")
@without_parameters
@blueprint.arguments(EndpointChanges)
@blueprint.response(200, WebhookEndpoint)
def change_webhook_endpoint(body: dict[str, Any], company_id: int, endpoint_id: int) -> Endpoint:
    """Change a webhook endpoint, disable it, or enable it again."""
    return _at_usable_url(lambda: steps.alter_endpoint(company_id, endpoint_id, body))


@blueprint.delete(_ONE)
@for_role("admin")
@without_parameters
@blueprint.response(204)
def delete_webhook_endpoint(company_id: int, endpoint_id: int) -> None:
    """Delete a webhook endpoint, with its deliveries."""
    refuse_body(request)
    steps.remove_endpoint(company_id, endpoint_id)


@blueprint.post(f"{_ONE}/rotate-secret")
@for_role("admin")
@without_parameters
@blueprint.response(200, WebhookEndpointWithSecret)
def rotate_webhook_secret(company_id: int, endpoint_id: int) -> dict[str, object]:
    """Replace the secret. For 24 hours, webhooks are signed with the old one as well."""
    refuse_body(request)
    return _with_secret(*steps.replace_secret(company_id, endpoint_id))


@blueprint.get(f"{_ONE}/deliveries")
@for_role("admin")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, WebhookDeliveryList)
def list_webhook_deliveries(query: dict[str, Any], company_id: int, endpoint_id: int) -> dict[str, object]:
    """List what was sent to an endpoint, newest first, with what it answered. Kept for 30 days."""
    data, has_more = steps.page_of_deliveries(company_id, endpoint_id, limit=query["limit"], before=query.get("before"))
    return {"data": data, "has_more": has_more}


@blueprint.post(f"{_ONE}/deliveries/<int:delivery_id>/redeliver")
@for_role("admin")
@without_parameters
@blueprint.response(202, WebhookDelivery)
def redeliver_webhook(company_id: int, endpoint_id: int, delivery_id: int) -> dict[str, object]:
    """Send a webhook again, with the same webhook-id and body, whether or not it was accepted."""
    refuse_body(request)
    return steps.send_again(company_id, endpoint_id, delivery_id)


def _with_secret(endpoint: Endpoint, secret: str) -> dict[str, object]:
    return {**endpoint._asdict(), "is_enabled": endpoint.is_enabled, "secret": secret}


def _at_usable_url(step: Callable[[], Done]) -> Done:
    try:
        return step()
    except UnusableUrlError as error:
        abort(422, messages={"json": {"url": [str(error)]}})
        raise  # abort does not return, which its types do not say
