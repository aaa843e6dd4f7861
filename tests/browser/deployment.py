"""The whole product as deployed, on the real clock, with a simulated Stripe and a mail server."""

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Self

from playwright.sync_api import BrowserContext
from redis import Redis
from sqlalchemy import Engine

from backlog.jobs import SYNC
from backlog.queues import open_redis, wake
from backlog.syncs.requests import find_run, request_sync
from events.connection.accounts import Account as Authorized
from events.connection.accounts import authorize
from runtime.clock import utc_now
from sandbox.processes import process, web
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from tenants.companies import add_company
from tenants.people.passwords import Passwords
from tenants.people.sessions import open_session
from tenants.people.users import add_user, set_member
from tenants.roles import Role
from tests.support.mail_server import Inbox, mail_server
from tests.support.signing import SECRET
from tests.support.web.webhooks import until

PASSWORD = "correct horse battery"
_SYNC_SECONDS = 40
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Company:
    """A company for one test, with one member and an account at the simulated Stripe."""

    deployment: "Deployment"
    id: int
    name: str
    account: Account
    user_id: int
    email: str

    def enter(self, context: BrowserContext) -> None:
        """Sign its member in in a browser, without the form."""
        with self.deployment.engine.begin() as connection:
            token = open_session(connection, self.user_id, now=utc_now())
        context.add_cookies([{"name": "revmap-session", "value": token, "url": self.deployment.origin}])

    def joined_by(self, email: str, role: Role) -> Self:
        """Return the company as seen by a second member, who joins with this role."""
        with self.deployment.engine.begin() as connection:
            user = add_user(connection, email, password_hash=None)
            set_member(connection, self.id, user.id, role, actor="tests", now=utc_now())
        return replace(self, user_id=user.id, email=email)

    def connect(self) -> None:
        """Connect its account, as if its member had agreed on Stripe's page."""
        self.deployment.stripe.stripe.connect(self.account.id, livemode=True)
        account = Authorized(self.account.id, livemode=True)
        with self.deployment.engine.begin() as connection:
            authorize(connection, self.id, account, now=utc_now(), actor="tests")

    def sync(self) -> int:
        """Run a first sync of its account, wait until it is over, and return the run's id."""
        engine = self.deployment.engine
        with engine.begin() as connection:
            run = request_sync(connection, self.id, trigger="initial", actor="tests", now=utc_now())
        wake(self.deployment.redis, SYNC)

        def is_over() -> bool:
            with engine.connect() as connection:
                found = find_run(connection, self.id, int(run.id))
            return found is not None and found.finished_at is not None

        assert until(is_over, seconds=_SYNC_SECONDS)
        return int(run.id)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Running web, worker and clock processes, with the simulated Stripe, database and queues that they use.

    `inbox` has all e-mails that they sent.
    """

    origin: str
    engine: Engine
    redis: Redis
    stripe: StripeServer
    inbox: Inbox
    _password_hash: str = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    @classmethod
    @contextmanager
    def started(cls, engine: Engine, database_url: str, redis_url: str) -> Iterator[Self]:
        """Start all processes on this database and this Redis, and stop them on exit."""
        simulated = SimulatedStripe(lambda: int(time.time()), seed=9)
        inbox = Inbox()
        with StripeServer(simulated) as stripe, open_redis(redis_url) as redis, mail_server(inbox) as mail:
            environment = os.environ | {
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "STRIPE_WEBHOOK_SECRETS": SECRET,
                "STRIPE_SECRET_KEY": simulated.platform_key(livemode=True),
                "STRIPE_CLIENT_ID": simulated.client_id(livemode=True),
                "STRIPE_API_BASE": stripe.url,
                "STRIPE_CONNECT_BASE": stripe.url,
                "APP_SECRET_KEY": "the tests' secret key, of 32 bytes",
                "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
                "SIGN_UP": "open",
                "SMTP_URL": f"smtp://{mail.host}:{mail.port}",
                "MAIL_FROM": mail.sender,
                "OUTBOUND_WEBHOOKS": "any",
                "WEB_CONCURRENCY": "1",
            }
            workers, clock = ["-m", "workers", "work"], ["-m", "workers", "clock"]
            with (
                process(clock, environment) as sweeper,
                process(workers, environment) as supervisor,
                web("wsgi:app", environment) as (port, _),
            ):
                origin = f"http://127.0.0.1:{port}"
                simulated.add_endpoint(f"{origin}/webhooks/stripe", [SECRET])
                stripe.deliver()
                yield cls(origin, engine, redis, stripe, inbox, Passwords().hashed(PASSWORD))
                for running in (sweeper, supervisor):
                    running.terminate()  # before the contexts exit, so that all of them stop at the same time

    def company(self, *, role: Role = "admin", invoices: int = 0, is_connected: bool | None = None) -> Company:
        """Create a company with a member of this role, whose account has about this many invoices of the last year.

        With invoices and without `is_connected`, the company is connected and synced.
        """
        number = next(self._numbers)
        name, email = f"Sample Company {number}", f"ada{number}@example.org"
        account = self.stripe.stripe.create_account(name, connected=False)
        if invoices:
            generate(account, invoices=invoices, seed=number, until=int(time.time()) - _DAY_SECONDS)
        with self.engine.begin() as connection:
            company_id = add_company(connection, name).id
            user = add_user(connection, email, password_hash=self._password_hash)
            set_member(connection, company_id, user.id, role, actor="tests", now=utc_now())
        company = Company(self, company_id, name, account, user.id, email)
        if is_connected or (invoices and is_connected is None):
            company.connect()
        if invoices and is_connected is None:
            company.sync()
        return company

    def forget_attempts(self) -> None:
        """Reset the rate limits of sign-in: all browsers of the tests share one address."""
        for key in self.redis.scan_iter("revmap:limit:*"):
            self.redis.delete(key)
