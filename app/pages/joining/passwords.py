"""Routes for forgotten passwords: asking for a link, and setting a new password by it."""

import logging

from flask import Blueprint, abort, render_template
from flask.wrappers import Response

from app.api.people.mails import mail_password_link
from app.auth.pending_sign_in import let_in
from app.auth.sessions import form_token, refuse_forged_form
from app.http.rate_limits import Limit, TooManyAttemptsError, client_address
from app.pages.forms import MistakeError, email_in, for_visitors, limit_forms, password_hash_in, typed
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.password_links import find_password_link, use_password_link
from tenants.people.users import find_user, memberships_of, user_with_id

blueprint = Blueprint("passwords", __name__)
limit_forms(blueprint)

# Counted for every address, so that being limited says nothing about who has an account.
_ASKED_FROM_HERE = Limit("forgotten-from-here", attempts=20, seconds=3600)
_ASKED_FOR_ADDRESS = Limit("forgotten-for-address", attempts=5, seconds=3600)
_SETTING = Limit("new-passwords", attempts=30, seconds=900)

_log = logging.getLogger(__name__)


@blueprint.get("/forgotten-password")
def show_forgotten() -> Response:
    """Show the form; without mail, say whom to ask."""
    return _forgotten_page()


@blueprint.post("/forgotten-password")
def receive_forgotten() -> Response:
    """Mail a link to the address if somebody with it has a password. The answer is the same for every address."""
    refuse_forged_form()
    limits = current_tools().limits
    try:
        email = email_in("email")
        limits.count(_ASKED_FROM_HERE, client_address())
        limits.count(_ASKED_FOR_ADDRESS, email)
    except MistakeError as mistake:
        return _forgotten_page(mistake)
    except TooManyAttemptsError as error:
        answer = _forgotten_page(MistakeError("email", "Too many attempts. Try again in an hour."), status=429)
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
        return answer
    _mail_link_to(email)
    return _forgotten_page(asked_for=email)


@blueprint.get("/new-password/<token>")
def show_new_password(token: str) -> Response:
    """Show the form of a link. Looking at it uses nothing up.

    :raises LinkOverError: the link does not work
    """
    return _new_password_page(token)


@blueprint.post("/new-password/<token>")
def receive_new_password(token: str) -> Response:
    """Set the password, end all sessions of the person, and let them in here.

    :raises LinkOverError: the link does not work
    """
    refuse_forged_form()
    tools = current_tools()
    tools.limits.count(_SETTING, client_address())
    with across_companies(tools.engine) as connection:
        find_password_link(connection, token, now=tools.clock())
    try:
        password_hash = password_hash_in("new_password")
    except MistakeError as mistake:
        return _new_password_page(token, mistake)
    with across_companies(tools.engine) as connection:
        user_id = use_password_link(connection, token, password_hash, now=tools.clock())
        user = user_with_id(connection, user_id) or abort(404)
    _log.info("password set by a link", extra={"user_id": user_id})
    return let_in(user, "/")


def _mail_link_to(email: str) -> None:
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        user = find_user(connection, email)
        memberships = memberships_of(connection, user.id) if user and user.password_hash else []
        if user and memberships:
            mail_password_link(tools, connection, memberships[0].company_id, user_id=user.id, email=user.email)


def _forgotten_page(mistake: MistakeError | None = None, *, asked_for: str = "", status: int = 422) -> Response:
    page = render_template(
        "joining/forgotten_password.html",
        has_mail=current_tools().queue_mail is not None,
        asked_for=asked_for,
        mistakes={mistake.field: mistake.says} if mistake else {},
        typed=typed,
        token=form_token(),
    )
    return for_visitors(page, status if mistake else 200)


def _new_password_page(token: str, mistake: MistakeError | None = None) -> Response:
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        whose = find_password_link(connection, token, now=tools.clock())
    page = render_template(
        "joining/new_password.html",
        email=whose.email,
        address=f"/new-password/{token}",
        mistakes={mistake.field: mistake.says} if mistake else {},
        token=form_token(),
    )
    return for_visitors(page, 422 if mistake else 200)
