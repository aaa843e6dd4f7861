"""Authenticate a request: the caller's key, its account and mode, and the API version."""

import base64
import binascii
from dataclasses import dataclass

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.account.platform import Access, SimulatedStripe
from sandbox.stripe.http.errors import ApiError, expired_key, invalid_key, no_access, no_key, not_permitted
from sandbox.stripe.http.messages import Request
from sandbox.stripe.records.versions import Shape, shape_of


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated key of a request, and the account it reads. `on_behalf` is the `Stripe-Account` header."""

    key: str
    access: Access
    account: Account
    on_behalf: str | None
    shape: Shape

    @property
    def livemode(self) -> bool:
        """Return whether the key is for live mode."""
        return self.access.livemode

    @property
    def ledger(self) -> Ledger:
        """Return the records of the account in the key's mode."""
        return self.account.ledger(livemode=self.livemode)

    def must_have(self, permission: str) -> None:
        """Refuse a restricted key that lacks this permission, for example `rak_invoice_read`."""
        permissions = self.access.permissions
        if permissions is not None and permission not in permissions:
            raise not_permitted(self.key, permission, self.account.id)


def key_from_request(request: Request) -> str | None:
    """Return the key in the Authorization header, Bearer or Basic; None without one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def caller_from_request(stripe: SimulatedStripe, request: Request) -> Caller:
    """Return the authenticated caller of a request.

    :raises ApiError: no key, an unknown or expired key, an account that is not connected, or no such API version
    """
    key = key_from_request(request)
    if key is None:
        raise no_key()
    access = stripe.keys.get(key)
    if access is None:
        raise invalid_key(key)
    if stripe.key_expiries.get(key, stripe.clock() + 1) <= stripe.clock():
        raise expired_key(key)
    on_behalf = request.headers.get("stripe-account")
    account = _account(stripe, key, access, on_behalf or access.account_id)
    version = request.headers.get("stripe-version") or account.api_version
    try:
        shape = shape_of(version)
    except ValueError as unknown:
        raise ApiError(400, str(unknown)) from unknown
    return Caller(key, access, account, on_behalf, shape)


def _account(stripe: SimulatedStripe, key: str, access: Access, account_id: str) -> Account:
    account = stripe.accounts.get(account_id)
    if account is None or not may_see(stripe, access, account_id):
        raise no_access(key, account_id)
    return account


def may_see(stripe: SimulatedStripe, access: Access, account_id: str) -> bool:
    """Return whether a key may read an account: its own always, a connected one only with the platform's key."""
    if account_id == access.account_id:
        return True
    return access.account_id == stripe.platform.id and (account_id, access.livemode) in stripe.connections
