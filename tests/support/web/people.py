"""Create members, and use the pages as they do: in a browser with cookies, a session and its CSRF token."""

import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tenants.people.users import add_user, set_member
from tenants.roles import Role
from tests.support.clock import NOON
from tests.support.company import PASSWORDS

PASSWORD = "correct horse battery"
SESSION_COOKIE = "__Host-revmap-session"
VISITOR_COOKIE = "__Host-revmap-visitor"
_kept_password = PASSWORDS.hashed(PASSWORD)


def add_member(engine: Engine, company_id: int, role: Role = "admin", *, email: str = "ada@example.org") -> int:
    """Set a user's role in the company, create the user with the tests' password if needed, and return the id."""
    with engine.begin() as connection:
        user = add_user(connection, email, password_hash=_kept_password)
        set_member(connection, company_id, user.id, role, actor="tests", now=NOON)
    return user.id


@dataclass
class Browser:
    """A browser with its own cookies, at an IP address."""

    app: Flask
    address: str = "127.0.0.1"
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = self.address

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def form_token(self, path: str = "/sign-in") -> str:
        """Return the CSRF token of the form on a page."""
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def sign_in(
        self, email: str = "ada@example.org", password: str = PASSWORD, *, next_path: str | None = None
    ) -> TestResponse:
        """Fill in the sign-in form and submit it."""
        form = {"email": email, "password": password, "csrf_token": self.form_token()}
        return self.client.post("/sign-in", data=form | ({"next": next_path} if next_path else {}))

    def token(self) -> str:
        """Return the CSRF token of this session."""
        return self.form_token("/settings/integrations")

    def send(self, path: str, method: str = "POST", *, headers: dict[str, str] | None = None, **options: Any) -> Any:
        """Send a request as a page's script does, with the session's CSRF token in a header."""
        sent = {"X-CSRF-Token": self.token()} | (headers or {})
        return self.client.open(path, method=method, headers=sent, **options)

    def cookie(self, name: str = SESSION_COOKIE) -> str | None:
        found = self.client.get_cookie(name)
        return found.value if found else None

    def set_cookie(self, value: str, name: str = SESSION_COOKIE) -> None:
        self.client.set_cookie(name, value, secure=True)


def signed_in(
    app: Flask, engine: Engine, company_id: int, role: Role = "admin", *, email: str = "ada@example.org"
) -> Browser:
    """Create a member with this role, and return a browser in which they are signed in."""
    add_member(engine, company_id, role, email=email)
    browser = Browser(app)
    assert browser.sign_in(email).status_code == 303
    return browser
