"""Who asks, and whether they may. The company comes from the key, never from the request alone."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from flask import abort, g, request
from sqlalchemy import Connection

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
            asking = g.principal = _principal()
            if asking.company_id != company_id:
                abort(404)
            if ROLES.index(asking.role) < ROLES.index(needed):
                raise RoleTooLowError(needed)
            return view(company_id=company_id, **path)

        return guarded

    return guard


def principal() -> Principal:
    """Give who asks. For views that `for_role` guards."""
    found: Principal = g.principal
    return found


def still_let_in() -> Callable[[Connection], bool]:
    """Give what tells later whether the key of this request is as good as it is now. For answers that last."""
    key, asking, hand = _sent_key(), principal(), tools()
    return lambda connection: principal_of(connection, key, now=hand.clock()) == asking


def _principal() -> Principal:
    key, hand = _sent_key(), tools()
    with hand.engine.begin() as connection:
        found = principal_of(connection, key, now=hand.clock())
    if found is None:
        raise MissingKeyError
    return found


def _sent_key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > _LONGEST_KEY or not key.isascii():
        raise MissingKeyError
    return key
