"""Connect accounts on the page of a simulated Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.syncs.health import ConnectionHealth, connection_health
from events.log.read import stream_events
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.running import Settings, StripeServer
from stripe_gateway.connect import Connector, StripeConnect
from stripe_gateway.restricted_keys import RestrictedKeys
from stripe_gateway.stripe_app import StripeApp
from tests.support.clock import SetClock
from tests.support.web.people import Browser
from tests.support.web.tools import app_with

CALLBACK = "/connect/stripe/callback"


@dataclass(frozen=True, slots=True)
class ConnectSetup:
    """A web app with a simulated Stripe that has two accounts, neither of them connected."""

    app: Flask
    server: StripeServer
    engine: Engine
    clock: SetClock
    acme: Account
    zed: Account

    @classmethod
    @contextmanager
    def running(
        cls,
        tools: Tools,
        engine: Engine,
        clock: SetClock,
        *,
        scope: str = "read_write",
        livemode: bool = True,
        method: str = "connect",
    ) -> Iterator["ConnectSetup"]:
        simulated = SimulatedStripe(lambda: int(clock().timestamp()), seed=5)
        acme = simulated.create_account("Acme Samples", connected=False)
        zed = simulated.create_account("Zed Samples", connected=False)
        settings = Settings(redirect_uris=("https://localhost" + CALLBACK,))
        with StripeServer(simulated, settings) as server:
            key, client_id = simulated.platform_key(livemode=livemode), simulated.client_id(livemode=livemode)
            bases = (server.url, server.url)
            connect: Connector = StripeConnect(key, client_id=client_id, bases=bases, scope=scope)
            if method == "app":
                connect = StripeApp(key, client_id=client_id, bases=bases)
            app = app_with(
                replace(tools, connect=connect, leads_to=(server.url,), restricted_keys=RestrictedKeys(server.url))
            )
            yield cls(app, server, engine, clock, acme, zed)

    def stripe_page(self, browser: Browser, company_id: int) -> str:
        """Follow the Connect button, and return the address of Stripe's page."""
        answer = browser.get(f"/connect/stripe?company={company_id}")
        assert answer.status_code == 303, answer.text
        address: str = answer.headers["Location"]
        return address

    def decide(self, page: str, account: Account | None) -> str:
        """Agree with an account on Stripe's page, or refuse with None, and return the path of our callback."""
        assert requests.get(page, timeout=40).status_code == 200
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
        chosen = {"account": account.id, "decision": "agree"} if account else {"decision": "refuse"}
        url = page.partition("?")[0]
        answer = requests.post(url, data=parameters | chosen, allow_redirects=False, timeout=40)
        back = answer.headers["Location"]
        assert back.startswith("https://localhost" + CALLBACK)
        return back.removeprefix("https://localhost")

    def callback_path(self, browser: Browser, company_id: int, account: Account | None) -> str:
        """Go to Stripe's page, agree or refuse, and return the path of our callback."""
        return self.decide(self.stripe_page(browser, company_id), account)

    def connect(self, browser: Browser, company_id: int, account: Account) -> TestResponse:
        """Connect an account in a browser, and return the response of our callback."""
        return browser.get(self.callback_path(browser, company_id, account))

    def exchanges(self) -> int:
        """Return how often the token endpoint was requested."""
        return self.server.requests.counts().get("POST /oauth/token", 0)

    def facts(self, company_id: int) -> list[str]:
        """Return the types of the events about a company's connection and syncs, in order."""
        with self.engine.connect() as connection:
            log = list(stream_events(connection, company_id))
        return [event.type for event in log if event.type.startswith(("connection.", "sync."))]

    def connection(self, company_id: int) -> ConnectionHealth:
        with self.engine.connect() as connection:
            return connection_health(connection, company_id, self.clock())

    def is_connected_at_stripe(self, account: Account) -> bool:
        return (account.id, True) in self.server.stripe.connections
