"""Routes for the forms of the settings: pause, resume, disconnect, connect with a key. Each redirects back there."""

from flask import Blueprint, request
from flask.wrappers import Response

from app.auth.access import principal
from app.connect.disconnect import disconnect_company
from app.connect.restricted_key import RESTRICTED_KEY, NotARestrictedKeyError, connect_by_key
from app.connect.state import health_of, take_step
from app.pages.forms import LONGEST_FORM_BYTES, to_settings
from app.pages.frame import for_member
from events.connection import lifecycle

blueprint = Blueprint("connection forms", __name__, url_prefix="/companies/<int:company_id>/connection")


@blueprint.before_request
def refuse_long_forms() -> None:
    """Limit the size of request bodies."""
    request.max_content_length = LONGEST_FORM_BYTES


@blueprint.post("/pause")
@for_member("admin")
def pause(company_id: int) -> Response:
    """Stop reading from Stripe until it is resumed."""
    take_step(company_id, lifecycle.pause)
    return to_settings(company_id)


@blueprint.post("/resume")
@for_member("admin")
def resume(company_id: int) -> Response:
    """Resume after a pause."""
    take_step(company_id, lifecycle.resume)
    return to_settings(company_id)


@blueprint.post("/disconnect")
@for_member("admin")
def disconnect(company_id: int) -> Response:
    """Disconnect the account, here and at Stripe. The table and its history stay."""
    disconnect_company(company_id, actor=principal().actor)
    return to_settings(company_id)


@blueprint.post("/key")
@for_member("admin")
def connect_with_key(company_id: int) -> Response:
    """Connect with a restricted key that was pasted.

    :raises NotARestrictedKeyError: the text does not look like one
    """
    key = request.form.get("restricted_key", "").strip()
    if not RESTRICTED_KEY.match(key):
        raise NotARestrictedKeyError
    before = health_of(company_id).account_id
    connect_by_key(company_id, key, principal())
    is_replaced = before not in (None, health_of(company_id).account_id)
    return to_settings(company_id, notice="account_replaced" if is_replaced else None)
