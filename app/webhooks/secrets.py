"""Look up the secrets with which Stripe signs the events of accounts' own endpoints."""

import re
from threading import BoundedSemaphore

from sqlalchemy import Engine

from events.connection.accounts import Account
from events.connection.lifecycle import owner_of
from events.intake.group_append import NotDurableError
from runtime.database import across_companies
from tenants.secrets import SecretBox, find_secret

# Anybody can cause a lookup: however many do, the other connections stay free for pages.
_LOOKS_AT_ONCE = 2
_WAIT_SECONDS = 1.0
_ACCOUNT_ID = re.compile(r"acct_[A-Za-z0-9_]{1,80}")

_looks = BoundedSemaphore(_LOOKS_AT_ONCE)


def webhook_secrets_of(engine: Engine, box: SecretBox, account_id: str) -> dict[bool, str]:
    """Return the secrets of the endpoints made with this account's restricted keys, by `livemode`.

    :raises NotDurableError: too many lookups at once
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        return {}
    if not _looks.acquire(timeout=_WAIT_SECONDS):
        raise NotDurableError("too many look for secrets")
    try:
        with across_companies(engine) as connection:
            owners = {mode: owner_of(connection, Account(account_id, mode)) for mode in (True, False)}
            found = {
                mode: find_secret(connection, box, company_id, "webhook_secret")
                for mode, company_id in owners.items()
                if company_id is not None
            }
    finally:
        _looks.release()
    return {mode: secret for mode, secret in found.items() if secret is not None}
