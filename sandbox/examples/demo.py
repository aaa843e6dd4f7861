"""A company of the running product, with its key and somebody who is signed in."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name
from threading import Event
from typing import Any, NamedTuple

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.auth.csrf import csrf_token
from backlog.jobs import JOB_OF
from runtime.clock import utc_now
from sandbox.demo_company import EMAIL
from tenants.people.sessions import open_session
from tenants.people.users import add_user

ORIGIN = "https://revmap.example.com"
SESSION_COOKIE = "__Host-revmap-session"
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_MOST_ROUNDS = 20


class Person(NamedTuple):
    """Somebody who is signed in in a browser, with the token that their changes carry."""

    client: FlaskClient
    token: str

    @classmethod
    def signed_in(cls, app: Flask, engine: Engine) -> "Person":
        """Return the demo's admin in a new session."""
        with engine.begin() as connection:
            admin = add_user(connection, EMAIL, password_hash=None)
            secret = open_session(connection, admin.id, now=utc_now())
        client = app.test_client()
        client.set_cookie(SESSION_COOKIE, secret, domain=ORIGIN.partition("://")[2], secure=True)
        with app.app_context():
            return cls(client, csrf_token(secret))


@dataclass(frozen=True, slots=True)
class Demo:
    """The product, a company of it with its key, a person who is signed in, and ids that are worth asking for.

    `restricted_key` is one with which its account may be connected again; `receiver` takes what is sent to customers.
    """

    client: FlaskClient
    company_id: int
    key: str
    person: Person
    restricted_key: str
    receiver: str
    # Tells the product of the payment of its last invoice.
    pay: Callable[[], None] = field(repr=False)
    ids: dict[str, object] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - those of Werkzeug
        """Send a request with the company's key, and return the answer whatever its status is."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.client.open(path, method=method, base_url=ORIGIN, headers=headers, buffered=True, **options)

    def ask_as_person(self, method: str, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - those of Werkzeug
        """Send a request in the session of the person, and return the answer whatever its status is."""
        headers = {"X-CSRF-Token": self.person.token, **options.pop("headers", {})}
        return self.person.client.open(path, method=method, base_url=ORIGIN, headers=headers, buffered=True, **options)

    def read(self, below: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of a path of the company."""
        return self.ask("GET", f"/v1/companies/{self.company_id}{below}").get_json()

    def work_until(self, is_so: Callable[[], object], what: str) -> None:
        """Do the work of the queues until this is true.

        :raises TimeoutError: it was not, for a minute
        """
        deadline, pause = time.monotonic() + _PATIENCE_SECONDS, Event()
        self.work()
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            pause.wait(_POLL_SECONDS)
            self.work()

    def work(self) -> None:
        """Do what is due in all queues, as the workers would."""
        for _ in range(_MOST_ROUNDS):
            done = [resolve_name(job.replace(".jobs.", ".jobs:"))() for job in JOB_OF.values()]
            if not any(done):
                return
