"""Connect an account by one of its own restricted keys."""

import hmac
import logging
import re

from sqlalchemy import Connection

from app.wiring.tools import current_tools
from backlog.syncs.requests import request_sync
from events.connection.accounts import Account, Agreement, AnotherAccountError, authorize, connection_state
from events.intake.parked import join_parked_events
from runtime.database import across_companies, within_company
from stripe_gateway.connect import StripeAwayError
from stripe_gateway.restricted_keys import KeyOwner
from tenants.connection_request_keys import answer_kept, keep_answer
from tenants.roles import Principal
from tenants.secrets import SecretName, UnopenedSecretError, find_secret, forget_secrets, keep_secret

RESTRICTED_KEY = re.compile(r"rk_(live|test)_[A-Za-z0-9_]{8,240}\Z", re.ASCII)

_JOINED_AT_ONCE = 500

_log = logging.getLogger(__name__)


class NotARestrictedKeyError(Exception):
    """The pasted text does not look like a restricted key."""


def connect_by_key(company_id: int, key: str, principal: Principal) -> bool:
    """Connect the account of a key that has all needed permissions, and store the key sealed. Commits.

    Returns whether Stripe sends events by itself, which takes a key that may create an endpoint. Without one, the
    table learns from syncs alone. A newer key of the same account replaces the older one.

    :raises KeyRefusedError: the key is unknown or lacks permissions
    :raises StripeAwayError: Stripe did not answer; nothing was changed
    :raises AccountTakenError, AnotherAccountError: as when connecting on Stripe's page
    """
    tools = current_tools()
    owner = tools.restricted_keys.owner_of(key)
    _make_owner(company_id, key, owner, principal)
    tools.wake_sync()
    with across_companies(tools.engine) as connection:
        join_parked_events(connection, company_id, limit=_JOINED_AT_ONCE)
    return _replace_endpoint(company_id, key, owner)


def connect_by_key_once(company_id: int, key: str, principal: Principal, *, idempotency_key: str | None) -> bool:
    """Connect by key, or return the result of an earlier request under this idempotency key. Commits.

    :raises IdempotencyKeyReusedError: the earlier request was for another restricted key
    """
    if idempotency_key is None:
        return connect_by_key(company_id, key, principal)
    tools = current_tools()
    request_mac = hmac.digest(tools.secret_key.encode(), b"connection\0" + key.encode(), "sha256")
    with within_company(tools.engine, company_id) as connection:
        answer = answer_kept(connection, company_id, idempotency_key, request_mac=request_mac)
    if answer is not None:
        return answer
    sends_events = connect_by_key(company_id, key, principal)
    with within_company(tools.engine, company_id) as connection:
        keep_answer(connection, company_id, idempotency_key, request_mac=request_mac, sends_events=sends_events)
    return sends_events


def forget_key(company_id: int) -> None:
    """Remove the endpoint made with a key, and delete all secrets of the connection. Commits; safe to repeat.

    If what names the endpoint cannot be opened any more, it stays at Stripe, and what it sends is refused.

    :raises StripeAwayError: the endpoint is not known to be gone; the key is still stored
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        key = _known(connection, company_id, "restricted_key")
        endpoint_id = _known(connection, company_id, "webhook_endpoint")
    if key and endpoint_id:
        tools.restricted_keys.remove_endpoint(key, endpoint_id)
    with within_company(tools.engine, company_id) as connection:
        forget_secrets(connection, company_id)


def _make_owner(company_id: int, key: str, owner: KeyOwner, principal: Principal) -> None:
    tools = current_tools()
    now, account = tools.clock(), Account(owner.account_id, owner.livemode)
    with within_company(tools.engine, company_id) as connection:
        before = connection_state(connection, company_id)
        if before and before.status in ("connected", "paused") and before.method != "restricted_key":
            raise AnotherAccountError
        if before and before.account != account:
            forget_secrets(connection, company_id)
        keep_secret(connection, tools.box, company_id, "restricted_key", key)
        by = Agreement("restricted_key", account_name=owner.account_name)
        if authorize(connection, company_id, account, now=now, actor=principal.actor, by=by).is_new:
            trigger = "reauthorization" if before and before.account == account else "initial"
            request_sync(connection, company_id, trigger=trigger, actor=principal.actor, now=now)


def _replace_endpoint(company_id: int, key: str, owner: KeyOwner) -> bool:
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        old = _known(connection, company_id, "webhook_endpoint")
    try:
        if old:
            tools.restricted_keys.remove_endpoint(key, old)
        endpoint = tools.restricted_keys.make_endpoint(
            key, f"{tools.address.origin}/webhooks/stripe/accounts/{owner.account_id}"
        )
    except StripeAwayError:
        return False  # the key is valid and stored; sending it again retries
    if endpoint is None:
        return False
    with within_company(tools.engine, company_id) as connection:
        keep_secret(connection, tools.box, company_id, "webhook_endpoint", endpoint.endpoint_id)
        keep_secret(connection, tools.box, company_id, "webhook_secret", endpoint.secret)
    return True


def _known(connection: Connection, company_id: int, name: SecretName) -> str | None:
    try:
        return find_secret(connection, current_tools().box, company_id, name)
    except UnopenedSecretError as error:
        _log.warning("secret lost", extra={"company_id": company_id, "secret": name, "error": type(error).__name__})
        return None
