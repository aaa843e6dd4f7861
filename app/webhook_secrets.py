"""Find the secret with which Stripe signs what an account's own endpoint is sent."""

from sqlalchemy import Engine

from events.accounts import Account
from events.connections import owner_of
from events.database import as_owner
from tenants.secrets import SecretBox, find_secret


def webhook_secret_of(engine: Engine, box: SecretBox, account_id: str) -> str | None:
    """Give the secret of the endpoint that a restricted key of this account has made, if there is one."""
    with as_owner(engine) as connection:
        for livemode in (True, False):
            company_id = owner_of(connection, Account(account_id, livemode))
            if company_id is not None:
                return find_secret(connection, box, company_id, "webhook_secret")
    return None
