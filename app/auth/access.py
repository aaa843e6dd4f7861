"""Identify callers and check roles. The company comes from the key or the session, never from the request alone."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from flask import abort, g, request
from sqlalchemy import Connection

from app.auth.csrf import refuse_forgery
from app.auth.sessions import session, session_in, session_token
from app.http.rate_limits import Limit, client_address
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.api_keys import principal_of
from tenants.people.members import visit_of
from tenants.people.sessions import session_of
from tenants.roles import Principal, Role

Answer = TypeVar("Answer")

_LONGEST_KEY = 200
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_WRONG_KEYS = Limit("wrong-keys", attempts=300, seconds=60)


class NotSignedInError(Exception):
    """The key is unknown or revoked, or there is neither a key nor a session."""


class SecondFactorNeededError(Exception):
    """The company requires a second factor of its members, and this one has not turned one on."""


class RoleTooLowError(Exception):
    """The key or the person belongs to the company, but the role is too low."""

    def __init__(self, needed: Role) -> None:
        super().__init__(needed)
        self.needed = needed


def for_role(needed: Role) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Restrict a company's view to keys and members of that company with this role or a higher one.

    The view then raises NotSignedInError (401), 404 for any other company, RoleTooLowError (403),
    SecondFactorNeededError (403), and ForgedRequestError (403) for a change by a session without its token. Place it
    directly below the route, so that callers without access see no other errors of the request.
    """

    def guard(view: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(view)
        def guarded(*, company_id: int, **path: object) -> Answer:
            g.principal = admitted(company_id, needed)
            return view(company_id=company_id, **path)

        # The API's reference tells it.
        vars(guarded)["needed_role"] = needed
        return guarded

    return guard


def for_any_caller(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Restrict a view that reads to whoever has a key or a session, and pass it that as `caller`.

    The view then raises NotSignedInError (401). Place it as `for_role`.
    """

    @wraps(view)
    def guarded(**path: object) -> Answer:
        caller = _principal_of_key() if "Authorization" in request.headers else session()
        if caller is None:
            raise NotSignedInError
        return view(caller=caller, **path)

    return guarded


def admitted(company_id: int, needed: Role) -> Principal:
    """Return the caller if its role in the company is high enough; errors as in `for_role`."""
    principal = _principal_of_key() if "Authorization" in request.headers else _member(company_id)
    if principal is None or principal.company_id != company_id:
        abort(404)
    if not principal.reaches(needed):
        raise RoleTooLowError(needed)
    return principal


def admitted_person(company_id: int, needed: Role) -> Principal:
    """Return the signed-in person if their role in the company is high enough. Pages are for people, not for keys.

    :raises NotSignedInError: nobody is signed in, or a key was sent
    """
    if "Authorization" in request.headers:
        raise NotSignedInError
    return admitted(company_id, needed)


def principal() -> Principal:
    """Return the caller that was admitted to the current view."""
    found: Principal = g.principal
    return found


def still_let_in() -> Callable[[Connection], bool]:
    """Return a function that checks later, `across_companies`, whether the caller's access is unchanged.

    For long-lived responses: meanwhile a key may be revoked, a session may end, or a role may be lowered.
    """
    caller, tools = principal(), current_tools()
    if "Authorization" in request.headers:
        key = _sent_key()
        return lambda connection: principal_of(connection, key, now=tools.clock()) == caller
    token = session_token() or ""

    def is_member_still(connection: Connection) -> bool:
        who = session_of(connection, token, now=tools.clock())
        visit = visit_of(connection, caller.company_id, who.user_id, now=tools.clock()) if who else None
        return who is not None and visit is not None and visit.role == caller.role and visit.lets_in(who)

    return is_member_still


def _principal_of_key() -> Principal:
    key, found, tools = _sent_key(), None, current_tools()
    if key:
        with across_companies(tools.engine) as connection:
            found = principal_of(connection, key, now=tools.clock())
    if found is None:
        tools.limits.count(_WRONG_KEYS, client_address())
        raise NotSignedInError
    return found


def _sent_key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    is_key = scheme.lower() == "bearer" and len(key) <= _LONGEST_KEY and key.isascii() and "\x00" not in key
    return key if is_key else ""


def _member(company_id: int) -> Principal | None:
    if session_token() is None:
        raise NotSignedInError
    tools = current_tools()
    with across_companies(tools.engine) as connection:
        who = session_in(connection)
        if who is None:
            raise NotSignedInError
        if request.method not in _SAFE_METHODS:
            refuse_forgery(session_token())
        # Read at every request, so that a lowered role takes effect at once.
        visit = visit_of(connection, company_id, who.user_id, now=tools.clock()) if company_id < 2**63 else None
    if visit is None:
        return None
    if not visit.lets_in(who):
        raise SecondFactorNeededError
    return Principal(company_id, visit.role, f"user:{who.user_id}")
