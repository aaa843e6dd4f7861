"""Routes for the API keys settings."""

from typing import Any

from flask import Blueprint, request
from flask.wrappers import Response

from app.api.people.granting import give_api_key, take_api_key
from app.api.people.paging import page_of
from app.auth.access import principal
from app.pages.forms import MistakeError, back_to, limit_forms, name_in, role_in, typed
from app.pages.frame import for_member, framed
from app.wiring.tools import current_tools
from runtime.database import across_companies, within_company
from tenants.actors import names_of
from tenants.api_keys import ApiKey, NewApiKey, newest_api_keys

blueprint = Blueprint("api key pages", __name__, url_prefix="/companies/<int:company_id>/api-keys")
limit_forms(blueprint)

_AT_ONCE = 100
_DONE = {"revoked": "The key is revoked. It is refused from now on."}


@blueprint.get("")
@for_member("viewer")
def show_keys(company_id: int) -> Response:
    """Show the keys to admins, and everybody else who can show them."""
    return _page(company_id, done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
@for_member("admin")
def create_key(company_id: int) -> Response:
    """Make a key, and show it this once."""
    try:
        made = give_api_key(company_id, name_in("name", "a name"), role_in())
    except MistakeError as mistake:
        return _page(company_id, mistake=mistake)
    return _page(company_id, made=made)


@blueprint.post("/<int:key_id>/revoke")
@for_member("admin")
def revoke_key(company_id: int, key_id: int) -> Response:
    """Revoke a key."""
    take_api_key(company_id, key_id)
    return back_to(f"/companies/{company_id}/api-keys", "revoked")


def _page(
    company_id: int,
    *,
    done: str | None = None,
    mistake: MistakeError | None = None,
    made: NewApiKey | None = None,
) -> Response:
    keys = _keys(company_id) if principal().reaches("admin") else {"data": []}
    makers = [key.created_by for key in keys["data"]]
    with across_companies(current_tools().engine) as connection:
        names = names_of(connection, company_id, makers)
    return framed(
        "settings/api_keys.html",
        here="api-keys",
        status=422 if mistake else 200,
        keys=keys,
        names=names | {"operator": "the operator"},
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed if mistake else lambda _field: "",
        made=made,
    )


def _keys(company_id: int) -> dict[str, Any]:
    def read(limit: int, before: int | None) -> list[ApiKey]:
        with within_company(current_tools().engine, company_id) as connection:
            return newest_api_keys(connection, company_id, limit=limit, before=before)

    cursor = {"cursor": request.args["cursor"]} if "cursor" in request.args else {}
    return page_of("api-keys", company_id, {"limit": _AT_ONCE, **cursor}, read, lambda key: key.id)
