"""Routes for webhook endpoints in the settings: list, create, change, and what was sent to each."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from app.api.notices import endpoint_steps as steps
from app.pages.forms import LONGEST_FORM_BYTES
from app.pages.frame import for_member, framed
from app.pages.notices.words import DELIVERED, standing_of
from notices.endpoints import Wanted
from notices.outbound import UnusableUrlError
from notices.vocabulary import WEBHOOK_TYPES

_DELIVERIES_OF_A_PAGE = 25
_LONGEST_TEXT = 255
_ONE = "/<int:endpoint_id>"

blueprint = Blueprint("webhooks page", __name__, url_prefix="/companies/<int:company_id>/settings/webhooks")


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.get("")
@for_member("admin")
def show_endpoints(company_id: int) -> Response:
    """List the endpoints, with the form for another one."""
    return _list_page(company_id, filled=Wanted("", list(WEBHOOK_TYPES)))


@blueprint.post("")
@for_member("admin")
def create_endpoint(company_id: int) -> Response:
    """Create an endpoint, and show its secret this once."""
    wanted = _wanted()
    if mistake := _mistake_in(wanted):
        return _list_page(company_id, filled=wanted, mistake=mistake)
    try:
        endpoint, secret = steps.add_endpoint(company_id, wanted)
    except UnusableUrlError as error:
        return _list_page(company_id, filled=wanted, mistake=str(error))
    return _endpoint_page(company_id, endpoint.id, secret=secret)


@blueprint.get(_ONE)
@for_member("admin")
def show_endpoint(company_id: int, endpoint_id: int) -> Response:
    """Show an endpoint, and what was sent to it."""
    return _endpoint_page(company_id, endpoint_id)


@blueprint.post(f"{_ONE}/change")
@for_member("admin")
def change_endpoint(company_id: int, endpoint_id: int) -> Response:
    """Change an endpoint's URL, types and description."""
    wanted = _wanted()
    mistake = _mistake_in(wanted)
    if not mistake:
        try:
            steps.alter_endpoint(company_id, endpoint_id, wanted._asdict())
        except UnusableUrlError as error:
            mistake = str(error)
    if mistake:
        return _endpoint_page(company_id, endpoint_id, filled=wanted, mistake=mistake)
    return _to_endpoint(company_id, endpoint_id)


@blueprint.post(f"{_ONE}/enable")
@for_member("admin")
def enable_endpoint(company_id: int, endpoint_id: int) -> Response:
    """Send webhooks to an endpoint again."""
    steps.alter_endpoint(company_id, endpoint_id, {"is_enabled": True})
    return _to_endpoint(company_id, endpoint_id)


@blueprint.post(f"{_ONE}/disable")
@for_member("admin")
def disable_endpoint(company_id: int, endpoint_id: int) -> Response:
    """Send no more webhooks to an endpoint."""
    steps.alter_endpoint(company_id, endpoint_id, {"is_enabled": False})
    return _to_endpoint(company_id, endpoint_id)


@blueprint.post(f"{_ONE}/rotate-secret")
@for_member("admin")
def rotate_secret(company_id: int, endpoint_id: int) -> Response:
    """Replace an endpoint's secret, and show the new one this once."""
    _, secret = steps.replace_secret(company_id, endpoint_id)
    return _endpoint_page(company_id, endpoint_id, secret=secret)


@blueprint.post(f"{_ONE}/delete")
@for_member("admin")
def delete_endpoint(company_id: int, endpoint_id: int) -> Response:
    """Delete an endpoint with its deliveries."""
    steps.remove_endpoint(company_id, endpoint_id)
    return redirect(f"/companies/{company_id}/settings/webhooks", 303)


@blueprint.post(f"{_ONE}/deliveries/<int:delivery_id>/redeliver")
@for_member("admin")
def redeliver(company_id: int, endpoint_id: int, delivery_id: int) -> Response:
    """Send a delivery again."""
    steps.send_again(company_id, endpoint_id, delivery_id)
    return _to_endpoint(company_id, endpoint_id)


def _list_page(company_id: int, *, filled: Wanted, mistake: str | None = None) -> Response:
    endpoints = [(one, standing_of(one)) for one in steps.all_endpoints(company_id)]
    return framed(
        "notices/webhooks.html",
        here="webhooks",
        status=422 if mistake else 200,
        endpoints=endpoints,
        all_types=WEBHOOK_TYPES,
        filled=filled,
        mistake=mistake,
    )


def _endpoint_page(company_id: int, endpoint_id: int, *, mistake: str | None = None, **shown: Any) -> Response:  # noqa: ANN401 - for the template
    endpoint = steps.one_endpoint(company_id, endpoint_id)
    before = request.args.get("before", type=int)
    deliveries, has_more = steps.page_of_deliveries(
        company_id, endpoint_id, limit=_DELIVERIES_OF_A_PAGE, before=before if before and before < 2**63 else None
    )
    return framed(
        "notices/webhook.html",
        here="webhooks",
        status=422 if mistake else 200,
        endpoint=endpoint,
        standing=standing_of(endpoint),
        deliveries=deliveries,
        has_more=has_more,
        delivered=DELIVERED,
        all_types=WEBHOOK_TYPES,
        mistake=mistake,
        **{"secret": None, "filled": endpoint} | shown,
    )


def _wanted() -> Wanted:
    chosen = set(request.form.getlist("types"))
    description = request.form.get("description", "").strip().replace("\x00", "")[:_LONGEST_TEXT] or None
    return Wanted(request.form.get("url", "").strip(), [one for one in WEBHOOK_TYPES if one in chosen], description)


def _mistake_in(wanted: Wanted) -> str | None:
    return None if wanted.types else "Choose at least one type of webhook."


def _to_endpoint(company_id: int, endpoint_id: int) -> Response:
    return redirect(f"/companies/{company_id}/settings/webhooks/{endpoint_id}", 303)
