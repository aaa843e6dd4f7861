"""Browser sessions: a cookie with a random token, and the database row that the token identifies."""

import secrets

from flask import Response, g, request
from sqlalchemy import Connection

from app.auth.csrf import csrf_token, refuse_forgery
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.sessions import LONGEST, Proof, Session, end_session, open_session, session_of
from tenants.people.users import Membership, memberships_of

_LONGEST_TOKEN = 1_000
_VISITOR_BYTES = 32
_LONGEST_DEVICE = 300


def session() -> Session | None:
    """Return the session of the signed-in person, or None; reads the database once per request."""
    if "session" in g or session_token() is None:
        found: Session | None = g.get("session")
        return found
    with across_companies(current_tools().engine) as connection:
        return session_in(connection)


def session_in(connection: Connection) -> Session | None:
    """Return the same as `session`, read in this transaction `across_companies` if it was not read yet."""
    if "session" not in g:
        token = session_token()
        g.session = session_of(connection, token, now=current_tools().clock()) if token else None
    found: Session | None = g.session
    return found


def own_memberships() -> list[Membership]:
    """Return the companies of the signed-in person, by name; reads the database once per request."""
    with across_companies(current_tools().engine) as connection:
        return own_memberships_in(connection)


def own_memberships_in(connection: Connection) -> list[Membership]:
    """Return the same as `own_memberships`, read in this transaction `across_companies` if they were not read yet."""
    if "memberships" not in g:
        who = session_in(connection)
        g.memberships = memberships_of(connection, who.user_id) if who else []
    found: list[Membership] = g.memberships
    return found


def session_token() -> str | None:
    """Return the token in the browser's cookie, whether or not it belongs to a session."""
    return cookie("session")


def sign_in(response: Response, user_id: int, *, proof: Proof = "password") -> None:
    """Open a new session in place of the browser's old one, and set its cookie. Commits.

    :raises CodeNeededError: the person has a second factor, and gave a password alone
    """
    tools = current_tools()
    old = session_token()
    with across_companies(tools.engine) as connection:
        if old:
            end_session(connection, old)
        token = open_session(connection, user_id, now=tools.clock(), device=_device(), proof=proof)
    set_cookie(response, "session", token, max_age=int(LONGEST.total_seconds()))


def _device() -> str | None:
    sent = request.headers.get("User-Agent", "")
    return "".join(one for one in sent if one.isprintable())[:_LONGEST_DEVICE] or None


def sign_out(response: Response) -> None:
    """End the browser's session, and delete its cookie. Commits."""
    token = session_token()
    if token:
        with across_companies(current_tools().engine) as connection:
            end_session(connection, token)
    clear_cookie(response, "session")


def visitor() -> str:
    """Return the secret that identifies a browser in which nobody is signed in yet."""
    if "visitor" not in g:
        g.visitor = cookie("visitor") or secrets.token_urlsafe(_VISITOR_BYTES)
    found: str = g.visitor
    return found


def keep_visitor(response: Response) -> None:
    """Store that secret in a cookie, so that the browser's form can be distinguished from a forged one."""
    set_cookie(response, "visitor", visitor(), max_age=None)


def form_token() -> str:
    """Return the CSRF token for a page's forms: the session's, or else the visitor's."""
    return csrf_token(_form_secret())


def refuse_forged_form() -> None:
    """Raise an error unless the form was sent from our own page in this browser, whether or not anybody is signed in.

    :raises ForgedRequestError: the token is missing or another's, or the browser reports another origin
    """
    refuse_forgery(_form_secret())


def _form_secret() -> str:
    return (session_token() if session() else None) or visitor()


def cookie(purpose: str) -> str | None:
    """Return the value of one of our cookies; None if it is missing or cannot be ours."""
    value = request.cookies.get(_name(purpose), "")
    return value if 0 < len(value) <= _LONGEST_TOKEN and value.isascii() else None


def _name(purpose: str) -> str:
    # https://developer.mozilla.org/docs/Web/HTTP/Cookies: __Host- binds a cookie to this very host, over TLS.
    return f"__Host-revmap-{purpose}" if current_tools().address.is_secure else f"revmap-{purpose}"


def clear_cookie(response: Response, purpose: str) -> None:
    """Delete one of our cookies from the browser."""
    response.delete_cookie(
        _name(purpose), path="/", secure=current_tools().address.is_secure, httponly=True, samesite="Lax"
    )


def set_cookie(response: Response, purpose: str, value: str, *, max_age: int | None) -> None:
    """Set one of our cookies, out of reach of scripts and other sites. `max_age` is in seconds, or None."""
    response.set_cookie(
        _name(purpose),
        value,
        max_age=max_age,
        path="/",
        secure=current_tools().address.is_secure,
        httponly=True,
        samesite="Lax",
    )
