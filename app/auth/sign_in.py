"""Routes for signing in with e-mail and password, and for signing out."""

import re
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from app.auth.attempts import count_password, forget_passwords, login_of, note_refusal
from app.auth.csrf import refuse_forgery
from app.auth.pending_sign_in import let_in
from app.auth.sessions import form_token, keep_visitor, session, session_token, sign_out, visitor
from app.http.native_threads import in_native_thread
from app.http.rate_limits import TooManyAttemptsError
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.users import User, find_user, set_password

HOME = "/"

_LONGEST_FORM_BYTES = 10_000
# The only pages that people are redirected to after signing in, so that no link can use us to send them elsewhere.
_WAY_BACK = re.compile(
    r"/|/sign-up|/second-factor|/invitations/[\w-]{20,100}|/settings/integrations(\?company=[0-9]{1,18})?"
    r"|/connect/stripe\?company=[0-9]{1,18}"
    r"|/companies/[0-9]{1,18}/(revenue-mapping|syncs|people|api-keys|company|audit|account)(/[\w%.-]{1,200}){0,2}"
    r"(\?[!-\[\]-~]{0,2000})?",
    re.ASCII,
)

blueprint = Blueprint("sign in", __name__)


@blueprint.get("/sign-in")
def show_sign_in() -> Response:
    """Show the form, or redirect a person who is signed in already."""
    way_back = way_back_from(request.args.get("next"))
    again = (
        "Enter your password again: your code has to follow within five minutes." if "again" in request.args else None
    )
    return make_response(redirect(way_back, 303)) if session() else _form(way_back, mistake=again)


@blueprint.post("/sign-in")
def receive_sign_in() -> Response:
    """Let a person in, or show the form again, saying only that something was wrong."""
    request.max_content_length = _LONGEST_FORM_BYTES
    refuse_forgery(visitor())
    email, way_back = request.form.get("email", ""), way_back_from(request.form.get("next"))
    try:
        user = _user_with_password(email, request.form.get("password", ""))
    except TooManyAttemptsError as error:
        note_refusal(email, "too many attempts")
        answer = _form(way_back, email, "Too many attempts. Try again later.", status=429)
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
        return answer
    if user is None:
        note_refusal(email, "wrong password or unknown account")
        return _form(way_back, email, "The e-mail address or the password is wrong.", status=401)
    return let_in(user, way_back)


@blueprint.post("/sign-out")
def receive_sign_out() -> Response:
    """End the session, so that its cookie and any copies of it stop working."""
    request.max_content_length = _LONGEST_FORM_BYTES
    refuse_forgery(session_token())
    response = make_response(redirect("/sign-in", 303))
    sign_out(response)
    return response


def _user_with_password(email: str, password: str) -> User | None:
    tools = current_tools()
    login = login_of(email)
    count_password(login)
    with across_companies(tools.engine) as connection:
        user = None if "\x00" in login else find_user(connection, login)
    password_hash = user.password_hash if user else None
    if not in_native_thread(tools.passwords.matches, password_hash, password) or user is None or password_hash is None:
        return None
    forget_passwords(login)
    if tools.passwords.is_outdated(password_hash):
        password_hash = in_native_thread(tools.passwords.rehashed, password)
        with across_companies(tools.engine) as connection:
            set_password(connection, user.id, password_hash)
    return user._replace(password_hash=password_hash)


def _form(way_back: str, email: str = "", mistake: str | None = None, *, status: int = 200) -> Response:
    page = render_template(
        "sign_in.html",
        way_back=way_back,
        email=email,
        mistake=mistake,
        token=form_token(),
        has_provider=current_tools().identity_provider is not None,
        is_sign_up_open=current_tools().is_sign_up_open,
    )
    response = make_response(page, status)
    keep_visitor(response)
    return response


def to_sign_in() -> Response:
    """Redirect to the sign-in form, and from there back to the requested page."""
    return _by_way_of("/sign-in")


def to_second_factor() -> Response:
    """Redirect to where a second factor is turned on, and from there back to the requested page."""
    return _by_way_of("/second-factor")


def _by_way_of(page: str) -> Response:
    if "HX-Request" in request.headers:
        # Only part of a page was requested: reload the whole page, which then redirects.
        return Response(status=401, headers={"HX-Refresh": "true"})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else HOME
    return make_response(redirect(f"{page}?{urlencode({'next': wanted})}", 303))


def way_back_from(wanted: str | None) -> str:
    """Return the page to go to after signing in: the wanted one if it is ours, else the start page."""
    return wanted if wanted and _WAY_BACK.fullmatch(wanted) else HOME
