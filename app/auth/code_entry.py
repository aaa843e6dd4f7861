"""Routes for the second step of signing in: the code of an app, or a recovery code."""

from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request

from app.auth.attempts import count_code, forget_codes, note_refusal, note_sign_in
from app.auth.csrf import csrf_token, refuse_forgery
from app.auth.pending_sign_in import NothingPendingError, end_pending, pending_user
from app.auth.sessions import keep_visitor, sign_in, visitor
from app.auth.sign_in import way_back_from
from app.http.rate_limits import TooManyAttemptsError
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.second_factors import spend_code
from tenants.people.totp import WrongCodeError
from tenants.people.users import User

_LONGEST_FORM_BYTES = 10_000
_LONGEST_CODE = 100
_MISTAKES = {
    "code": "This code is wrong or was used before.",
    "recovery_code": "This is none of your unused recovery codes.",
}

blueprint = Blueprint("code entry", __name__, url_prefix="/sign-in/code")


@blueprint.get("")
def show_code_entry() -> Response:
    """Show the form to whoever has given a password, and lead everybody else there."""
    try:
        return _form(pending_user())
    except NothingPendingError:
        return _to_password()


@blueprint.post("")
def receive_code() -> Response:
    """Sign the person in with a new session, or show the form again."""
    request.max_content_length = _LONGEST_FORM_BYTES
    refuse_forgery(visitor())
    try:
        user = pending_user()
    except NothingPendingError:
        return _to_password()
    try:
        _spend(user, request.form.get(_field(), ""))
    except TooManyAttemptsError as error:
        note_refusal(user.email, "too many codes")
        answer = _form(user, "Too many attempts. Try again later.", status=429)
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
        return answer
    except WrongCodeError:
        note_refusal(user.email, "wrong code")
        return _form(user, _MISTAKES[_field()], status=401)
    return _signed_in(user)


def _spend(user: User, code: str) -> None:
    tools = current_tools()
    count_code(user)
    with across_companies(tools.engine) as connection:
        spend_code(connection, tools.box, user.id, code[:_LONGEST_CODE], now=tools.clock())
    forget_codes(user)


def _signed_in(user: User) -> Response:
    # The page of the second factor tells how many recovery codes are left, and leads on.
    onwards = f"/second-factor?{urlencode({'next': _way_back()})}" if _field() == "recovery_code" else _way_back()
    response = make_response(redirect(onwards, 303))
    end_pending(response)
    sign_in(response, user.id, proof="code")
    note_sign_in(user.id, user.email)
    return response


def _to_password() -> Response:
    response = make_response(redirect(f"/sign-in?{urlencode({'next': _way_back(), 'again': 1})}", 303))
    end_pending(response)
    return response


def _form(user: User, mistake: str | None = None, *, status: int = 200) -> Response:
    page = render_template(
        "sign_in_code.html",
        email=user.email,
        way_back=_way_back(),
        mistakes={_field(): mistake},
        # Whoever else may be signed in here: this form is the visitor's.
        token=csrf_token(visitor()),
    )
    response = make_response(page, status)
    keep_visitor(response)
    return response


def _field() -> str:
    return "recovery_code" if "recovery_code" in request.form else "code"


def _way_back() -> str:
    return way_back_from(request.values.get("next"))
