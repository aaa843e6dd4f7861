"""Create companies with accounts, API keys and events."""

from collections.abc import Mapping

from argon2 import PasswordHasher
from sqlalchemy import Engine

from events.connection.accounts import Account, authorize
from events.intake.envelope import event_from_stripe
from events.intake.receive import receive
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from tenants.api_keys import create_api_key
from tenants.companies import add_company
from tenants.people.passwords import Passwords
from tenants.roles import Role
from tests.support.clock import NOON
from tests.support.databases import arranging
from tests.support.signing import json_bytes

# As cheap as Argon2 allows: the tests are about how hashes are used, not about Argon2.
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def company_with(engine: Engine, account_id: str, *, livemode: bool = True) -> int:
    """Create a company that owns the account, and return its id."""
    with arranging(engine) as connection:
        company = add_company(connection, f"Company of {account_id}")
        authorize(connection, company.id, Account(account_id, livemode), now=NOON, actor="tests")
    return company.id


def new_key_headers(engine: Engine, company_id: int, role: Role = "viewer") -> dict[str, str]:
    """Create an API key for the company, and return the request headers that carry it."""
    with arranging(engine) as connection:
        return {"Authorization": f"Bearer {create_api_key(connection, company_id, role).key}"}


def record_events(engine: Engine, *events: Mapping[str, object] | bytes) -> None:
    """Receive Stripe events as webhooks would, all in one transaction."""
    bodies = [event if isinstance(event, bytes) else json_bytes(event) for event in events]
    with arranging(engine) as connection:
        receive(connection, [event_from_stripe(body) for body in bodies])


def catch_up(engine: Engine, *, batch_size: int = 1000) -> None:
    """Fold all events that are not folded yet."""
    begin_lacking_builds(engine)
    while advance(engine, batch_size=batch_size):
        pass
