"""Who asks, and whether they may. The company comes from the key, never from the request alone."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from flask import abort, request

from app.wiring import tools
from tenants.api_keys import ROLES, Principal, Role, principal_of

Answer = TypeVar("Answer")

_LONGEST_KEY = 200


class MissingKeyError(Exception):
    """No key, an unknown one or a revoked one."""


class RoleTooLowError(Exception):
    """The key is the company's, but its role does not reach."""

    def __init__(self, needed: Role) -> None:
        super().__init__(needed)
        self.needed = needed


def for_role(needed: Role) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Let a view of a company run only for a key of that company with this role or a higher one.

    The view then raises MissingKeyError (401), 404 for any other company, and RoleTooLowError (403). Put it right below
    the route, so that nobody learns from an error what a request without a key would have been told.
    """

    def guard(view: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(view)
        def guarded(*, company_id: int, **path: object) -> Answer:
            principal = _principal()
            if principal.company_id != company_id:
                abort(404)
            if ROLES.index(principal.role) < ROLES.index(needed):
                raise RoleTooLowError(needed)
            return view(company_id=company_id, **path)

        return guarded

    return guard


def _principal() -> Principal:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > _LONGEST_KEY or not key.isascii():
        raise MissingKeyError
    hand = tools()
    with hand.engine.begin() as connection:
        principal = principal_of(connection, key, now=hand.clock())
    if principal is None:
        raise MissingKeyError
    return principal
