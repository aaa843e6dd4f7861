"""From the Connect button to the finished first sync, over HTTP, against the deployed processes."""

import base64
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from threading import Event

import pytest
import requests
from sqlalchemy import Engine

from sandbox.processes import process, web
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from sandbox.valkey import ValkeyServer
from tenants.companies import add_company
from tenants.data_keys import key_id
from tenants.people.passwords import Passwords
from tenants.people.users import add_user, set_member
from tenants.secrets import SecretBox, keep_secret
from tests.support.clock import NOON
from tests.support.paths import ROOT
from tests.support.signing import SECRET
from tests.support.syncs.truth import table_of, truth_of

PASSWORD = "correct horse battery"
_SYNC_SECONDS = 40


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    simulated = SimulatedStripe(lambda: int(NOON.timestamp()), seed=5)
    account = simulated.create_account("Acme Samples", connected=False)
    generate(account, invoices=30, seed=3, until=int(NOON.timestamp()) - 86_400)
    with StripeServer(simulated) as server:
        yield server


@pytest.fixture
def origin(database_url: str, valkey: ValkeyServer, stripe: StripeServer) -> Iterator[str]:
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_SECRET_KEY": stripe.stripe.platform_key(livemode=True),
        "STRIPE_CLIENT_ID": stripe.stripe.client_id(livemode=True),
        "STRIPE_API_BASE": stripe.url,
        "STRIPE_CONNECT_BASE": stripe.url,
        "APP_SECRET_KEY": "the tests' secret key, of 32 bytes",
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
        "PORT": "0",
    }
    workers = ["-m", "workers", "work"]
    with web("wsgi:app", os.environ | settings) as (port, _), process(workers, os.environ | settings):
        yield f"http://127.0.0.1:{port}"


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def wait_for_first_sync(browser: requests.Session, origin: str, company_id: int) -> dict[str, str]:
    """Wait until the first sync is over, and return the connection."""
    pause, deadline = Event(), time.monotonic() + _SYNC_SECONDS
    while True:
        state: dict[str, str] = browser.get(f"{origin}/v1/companies/{company_id}/connection").json()
        if state["health"] not in {"syncing", "never_synced"} or time.monotonic() > deadline:
            return state
        pause.wait(0.1)


def test_somebody_signs_in_connects_and_comes_back_to_a_finished_first_sync(
    origin: str, stripe: StripeServer, engine: Engine
) -> None:
    with engine.begin() as connection:
        company_id = add_company(connection, "Acme Samples").id
        user = add_user(connection, "ada@example.org", password_hash=Passwords().hashed(PASSWORD))
        set_member(connection, company_id, user.id, "admin", actor="tests", now=NOON)
    (account,) = [one for one in stripe.stripe.accounts.values() if one is not stripe.stripe.platform]

    with requests.Session() as browser:
        sign_in = form_of(browser.get(f"{origin}/sign-in").text)
        settings = browser.post(
            f"{origin}/sign-in", data=sign_in | {"email": "ada@example.org", "password": PASSWORD}, timeout=20
        )
        assert settings.url == f"{origin}/settings/integrations"
        button = re.search(r'href="(/connect/stripe\?company=\d+)"', settings.text)
        assert button
        page = browser.get(origin + button[1])
        assert page.url.startswith(stripe.url)
        choice = form_of(page.text) | {"account": account.id, "decision": "agree"}
        back = browser.post(f"{stripe.url}/oauth/authorize", data=choice, timeout=20)
        state = wait_for_first_sync(browser, origin, company_id)
        (run,) = browser.get(f"{origin}/v1/companies/{company_id}/syncs").json()["data"]

    assert back.url == f"{origin}/settings/integrations"
    assert account.id in back.text
    assert (state["status"], state["account_id"], state["health"]) == ("connected", account.id, "healthy")
    assert (run["trigger"], run["status"], run["reconciliation"]["differences"]) == ("initial", "succeeded", [])
    assert table_of(engine, company_id) == truth_of(account)
    assert stripe.connect.exchanges == 1


def test_a_web_process_without_a_key_that_is_in_use_does_not_start(
    database_url: str, valkey: ValkeyServer, engine: Engine
) -> None:
    with engine.begin() as connection:
        company_id = add_company(connection, "Acme Samples").id
        keep_secret(connection, SecretBox([b"o" * 32]), company_id, "restricted_key", "rk_live_planted")
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_SECRET_KEY": "sk_live_tests",
        "APP_SECRET_KEY": "the tests' secret key, of 32 bytes",
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"n" * 32).decode(),
        "PORT": "0",
    }

    stopped = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        env=os.environ | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert stopped.returncode == 2
    assert key_id(b"o" * 32) in stopped.stderr
    assert "planted" not in stopped.stderr
