"""The state between password and code: a signed cookie of this browser, good for five minutes and for nothing else.

There is no session yet. A state ends with the password that it was given for.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

from flask import Response, make_response, redirect
from itsdangerous import BadData, URLSafeSerializer

from app.auth.attempts import note_sign_in
from app.auth.sessions import clear_cookie, cookie, keep_visitor, set_cookie, sign_in, visitor
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.sessions import CodeNeededError
from tenants.people.users import User, user_with_id

LASTS = timedelta(minutes=5)

_COOKIE = "second-step"


class NothingPendingError(Exception):
    """Nobody gave a password in this browser within the last five minutes, or it was changed since."""


def let_in(user: User, way_back: str) -> Response:
    """Sign in a person whose password is right, or lead them on to their code if they have a second factor. Commits."""
    response = make_response(redirect(way_back, 303))
    try:
        sign_in(response, user.id)
    except CodeNeededError:
        return _led_to_code(user, way_back)
    note_sign_in(user.id, user.email)
    return response


def pending_user() -> User:
    """Return the person whose password was given in this browser, and who still has to give a code.

    :raises NothingPendingError: there is none
    """
    tools = current_tools()
    try:
        user_id, password, until = _serializer().loads(cookie(_COOKIE) or "")
    except (BadData, ValueError) as error:
        raise NothingPendingError from error
    with across_companies(tools.engine) as connection:
        user = user_with_id(connection, user_id)
    if user is None or _mark_of(user) != password or datetime.fromisoformat(until) <= tools.clock():
        raise NothingPendingError
    return user


def end_pending(response: Response) -> None:
    """Delete the state from the browser."""
    clear_cookie(response, _COOKIE)


def _led_to_code(user: User, way_back: str) -> Response:
    response = make_response(redirect(f"/sign-in/code?{urlencode({'next': way_back})}", 303))
    until = current_tools().clock() + LASTS
    state = str(_serializer().dumps([user.id, _mark_of(user), until.isoformat()]))
    set_cookie(response, _COOKIE, state, max_age=int(LASTS.total_seconds()))
    keep_visitor(response)
    return response


def _mark_of(user: User) -> str:
    return sha256((user.password_hash or "").encode()).hexdigest()


def _serializer() -> URLSafeSerializer:
    # Of this browser: with another visitor's secret its signature is wrong.
    return URLSafeSerializer(current_tools().secret_key, salt=f"second step of {visitor()}")
