"""A company with an account, its keys, and facts in its log."""

from collections.abc import Mapping

from argon2 import PasswordHasher
from sqlalchemy import Engine

from events.connection.accounts import Account, authorize
from events.intake.envelope import event_from_stripe
from events.intake.receive import receive
from projections.engine.catch_up import advance, enrol_newcomers
from tenants.api_keys import create_api_key
from tenants.companies import add_company
from tenants.passwords import Passwords
from tenants.roles import Role
from tests.support.clock import NOON
from tests.support.signing import json_bytes

# As cheap as Argon2 lets it be: what is tested is what is done with it.
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def company_with(engine: Engine, account_id: str, *, livemode: bool = True) -> int:
    """Give the id of a new company that owns the account."""
    with engine.begin() as connection:
        company = add_company(connection, f"Company of {account_id}")
        authorize(connection, company.id, Account(account_id, livemode), now=NOON, actor="tests")
    return company.id


def key_of(engine: Engine, company_id: int, role: Role = "viewer") -> dict[str, str]:
    """Give the headers of a request with a new key of the company."""
    with engine.begin() as connection:
        return {"Authorization": f"Bearer {create_api_key(connection, company_id, role).key}"}


def keep(engine: Engine, *events: Mapping[str, object] | bytes) -> None:
    """Put Stripe events into the log, one transaction for all."""
    bodies = [event if isinstance(event, bytes) else json_bytes(event) for event in events]
    with engine.begin() as connection:
        receive(connection, [event_from_stripe(body) for body in bodies])


def catch_up(engine: Engine, *, batch_size: int = 1000) -> None:
    """Fold everything there is to fold."""
    enrol_newcomers(engine)
    while advance(engine, batch_size=batch_size):
        pass
