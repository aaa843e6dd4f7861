"""Small things that tests hold: a clock they set, an account they own, a webhook they sign."""

import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

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

SECRET = "whsec_of_the_tests"
# As cheap as Argon2 lets it be: what is tested is what is done with it.
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# https://www.postgresql.org/docs/current/errcodes-appendix.html: one or more of every class that a statement can meet.
SQLSTATES = re.findall(
    r"\w+",
    """
    08000 08006 0A000 21000 22000 22001 22003 22021 22P02 22P05 23502 23505 23514 25006 25P02 28000 2D000 40000 40001
    40002 40003 40P01 42501 42P01 42703 42883 53000 53100 53200 53300 53400 54000 54001 55000 55006 55P03 57000 57014
    57P01 57P02 57P03 58000 58030 72000 F0000 HV000 P0001 P0002 XX000 XX001 XX002 EV403 EV409
    """,
)


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, step: timedelta) -> None:
        self.now += step


def signed(body: bytes, *, secret: str = SECRET, at: datetime = NOON) -> dict[str, str]:
    """Give the headers that prove the body."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    return {"Stripe-Signature": f"t={timestamp},v1={signature}", "Content-Type": "application/json"}


def json_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


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
