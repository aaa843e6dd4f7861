"""Look up the secrets with which Stripe signs the events of accounts' own endpoints."""

import re
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from events.connection.accounts import Account
from events.connection.lifecycle import owner_of
from events.intake.group_append import NotDurableError
from runtime.database import across_companies
from tenants.secrets import SecretBox, UnopenedSecretError, find_secret

# Anybody can cause a lookup: however many do, the other connections stay free for pages.
_LOOKS_AT_ONCE = 2
_WAIT_SECONDS = 1.0
_ACCOUNT_ID = re.compile(r"acct_[A-Za-z0-9_]{1,80}")

_looks = BoundedSemaphore(_LOOKS_AT_ONCE)


class EndpointSecrets(NamedTuple):
    """The secrets of an account's own endpoints, by `livemode`. `is_any_lost`: another one cannot be opened."""

    by_mode: dict[bool, str]
    is_any_lost: bool = False


def webhook_secrets_of(engine: Engine, box: SecretBox, account_id: str) -> EndpointSecrets:
    """Return the secrets of the endpoints made with this account's restricted keys.

    :raises NotDurableError: too many lookups at once
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        return EndpointSecrets({})
    if not _looks.acquire(timeout=_WAIT_SECONDS):
        raise NotDurableError("too many look for secrets")
    try:
        with across_companies(engine) as connection:
            owners = {mode: owner_of(connection, Account(account_id, mode)) for mode in (True, False)}
            return _opened(connection, box, {mode: owner for mode, owner in owners.items() if owner is not None})
    finally:
        _looks.release()


def _opened(connection: Connection, box: SecretBox, owners: Mapping[bool, int]) -> EndpointSecrets:
    opened, is_any_lost = dict[bool, str](), False
    for mode, company_id in owners.items():
        try:
            found = find_secret(connection, box, company_id, "webhook_secret")
        except UnopenedSecretError:
            is_any_lost = True
        else:
            opened |= {} if found is None else {mode: found}
    return EndpointSecrets(opened, is_any_lost)
