"""A simulated Stripe with one company, and clients for it."""

from collections.abc import Iterator

import pytest
import requests
import stripe

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.stripe_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def simulated(clock: HandClock) -> SimulatedStripe:
    return SimulatedStripe(clock, seed=7)


@pytest.fixture
def acme(simulated: SimulatedStripe) -> Account:
    return simulated.create_account("Acme Samples")


@pytest.fixture
def server(simulated: SimulatedStripe) -> Iterator[StripeServer]:
    with StripeServer(simulated) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def client(server: StripeServer, http: requests.Session) -> stripe.StripeClient:
    return stripe.StripeClient(
        server.stripe.platform_key(livemode=True),
        base_addresses={"api": server.url, "connect": server.url},
        client_id=server.stripe.client_id(livemode=True),
        http_client=stripe.RequestsClient(session=http),
    )


@pytest.fixture
def live(simulated: SimulatedStripe, acme: Account) -> dict[str, str]:
    """Return the headers of a request for the company's live data."""
    return {"Authorization": f"Bearer {simulated.platform_key(livemode=True)}", "Stripe-Account": acme.id}


@pytest.fixture
def five(acme: Account) -> list[str]:
    """Return the ids of five drafts, newest first."""
    customer = acme.live.create_customer("Zed Samples", at=1_750_000_000)
    made = [acme.live.create_invoice(customer.id, [LineSpec(amount=1)], at=1_750_000_000 + n) for n in range(5)]
    return [invoice.id for invoice in reversed(made)]
