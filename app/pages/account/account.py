"""Routes for one's own account."""

from flask import Blueprint, abort, make_response, redirect, request
from flask.wrappers import Response

from app.auth.sessions import clear_cookie, session
from app.pages.account.current_password import check_current_password
from app.pages.account.devices import device
from app.pages.forms import MistakeError, back_to, limit_forms, name_in, password_hash_in
from app.pages.frame import for_member, framed
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.own_sessions import end_own_session, list_sessions
from tenants.people.password_links import change_password
from tenants.people.second_factors import find_second_factor
from tenants.people.sessions import Session, end_sessions_of
from tenants.people.users import password_hash_of, set_name

blueprint = Blueprint("account pages", __name__, url_prefix="/companies/<int:company_id>/account")
limit_forms(blueprint)

_LARGEST_ID = 2**63 - 1
_DONE = {
    "name": "Your name is saved.",
    "password": "Your password is changed. You are signed out everywhere else.",
    "ended": "That session is over.",
}


@blueprint.get("")
@for_member("viewer")
def show_account(company_id: int) -> Response:  # noqa: ARG001 - whose frame the page has
    """Show one's name, password form and sessions."""
    return _page(done=_DONE.get(request.args.get("done", "")))


@blueprint.post("/name")
@for_member("viewer")
def save_name(company_id: int) -> Response:
    """Save what one is called."""
    try:
        name = name_in("name", "your name")
    except MistakeError as mistake:
        return _page(mistake=mistake)
    with across_companies(current_tools().engine) as connection:
        set_name(connection, _who().user_id, name)
    return back_to(f"/companies/{company_id}/account", "name")


@blueprint.post("/password")
@for_member("viewer")
def save_password(company_id: int) -> Response:
    """Change one's password, and end all other sessions."""
    who, tools = _who(), current_tools()
    try:
        check_current_password(who)
        password_hash = password_hash_in("new_password")
    except MistakeError as mistake:
        return _page(mistake=mistake)
    with across_companies(tools.engine) as connection:
        change_password(connection, who.user_id, password_hash, now=tools.clock(), keeps=who.id)
    return back_to(f"/companies/{company_id}/account", "password")


@blueprint.post("/sessions/<int:session_id>/end")
@for_member("viewer")
def end_one(company_id: int, session_id: int) -> Response:
    """End one of one's own sessions."""
    if session_id > _LARGEST_ID:
        abort(404)
    with across_companies(current_tools().engine) as connection:
        end_own_session(connection, _who().user_id, session_id)
    return back_to(f"/companies/{company_id}/account", "ended")


@blueprint.post("/sessions/end")
@for_member("viewer")
def end_all(company_id: int) -> Response:  # noqa: ARG001 - whose frame the page has
    """Sign out everywhere, here as well."""
    with across_companies(current_tools().engine) as connection:
        end_sessions_of(connection, _who().user_id)
    response = make_response(redirect("/sign-in", 303))
    clear_cookie(response, "session")
    return response


def _page(*, done: str | None = None, mistake: MistakeError | None = None) -> Response:
    who, tools = _who(), current_tools()
    with across_companies(tools.engine) as connection:
        sessions = list_sessions(connection, who.user_id, now=tools.clock())
        has_password = password_hash_of(connection, who.user_id) is not None
        factor = find_second_factor(connection, who.user_id)
    return framed(
        "account/account.html",
        here="account",
        status=422 if mistake else 200,
        sessions=sessions,
        device=device,
        has_password=has_password,
        factor=factor,
        done=done,
        mistakes={mistake.field: mistake.says} if mistake else {},
    )


def _who() -> Session:
    return session() or abort(404)
