"""An authenticator app as a person has one, and the forms in which its codes are entered."""

import re
from base64 import b32decode
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

from werkzeug.test import TestResponse

from tenants.people.totp import STEP, code_at, step_at
from tests.support.clock import SetClock
from tests.support.web.people import PASSWORD, Browser


@dataclass
class AuthenticatorApp:
    """An app on a phone, to which a person has given the key that the page shows."""

    secret: bytes
    clock: SetClock

    def code(self, *, off: timedelta = timedelta()) -> str:
        """Return the code that the app shows, on a phone whose clock is that far off."""
        return code_at(self.secret, step_at(self.clock() + off))

    def next_code(self) -> str:
        """Wait for the next code and return it."""
        self.clock.advance(STEP)
        return self.code()


def app_set_up(page: str, clock: SetClock) -> AuthenticatorApp:
    """Return an app with the key that the page offers."""
    key = re.search(r'<textarea[^>]* id="key"[^>]*>([A-Z2-7\s]+)</textarea>', page)
    assert key is not None
    return AuthenticatorApp(b32decode("".join(key[1].split())), clock)


def turn_on(browser: Browser, clock: SetClock, **fields: str) -> tuple[AuthenticatorApp, TestResponse]:
    """Set up an app and enter its first code; return the app and the page that answers."""
    page = browser.get("/second-factor").text
    app, offer = app_set_up(page, clock), re.search(r'name="secret" value="([^"]+)"', page)
    assert offer is not None
    form = {"secret": offer[1], "password": PASSWORD, "code": app.code()} | fields
    return app, prove(browser, "", **form)


def prove(browser: Browser, below: str, **fields: str) -> TestResponse:
    """Send a form of one's second factor, as the page with its token does."""
    form = {"csrf_token": browser.form_token("/second-factor"), "password": PASSWORD} | fields
    return browser.client.post(f"/second-factor{below}", data=form)


def recovery_codes_on(page: str) -> list[str]:
    """Return the recovery codes that a page shows."""
    shown = re.search(r'<textarea[^>]* id="codes"[^>]*>([^<]+)</textarea>', page)
    return unescape(shown[1]).split() if shown else []


def enter_code(browser: Browser, code: str, *, field: str = "code", next_path: str = "/") -> TestResponse:
    """Enter a code in the second step of signing in."""
    form = {"csrf_token": browser.form_token("/sign-in/code"), field: code, "next": next_path}
    return browser.client.post("/sign-in/code", data=form)
