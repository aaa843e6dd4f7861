"""Tokens of a Stripe App: valid for an hour, renewed once however many ask, and dropped when Stripe says so."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import stripe
from sqlalchemy import Engine

from app.wiring.tools import Tools
from sandbox.stripe.faults.faults import Fault, FaultKind
from stripe_gateway.connect import OutcomeUnknownError
from stripe_gateway.credentials import Credentials, CredentialStore, NoCredentialsError
from stripe_gateway.stripe_app import StripeApp
from tenants.companies import add_company
from tenants.secrets import SecretBox
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.web.people import signed_in
from tests.support.web.stripe_page import ConnectSetup


@pytest.fixture
def setup(web_tools: Tools, engine: Engine, clock: SetClock) -> Iterator[ConnectSetup]:
    with ConnectSetup.running(web_tools, engine, clock, method="app") as running:
        yield running


@pytest.fixture
def company_id(setup: ConnectSetup, engine: Engine) -> int:
    """Create a company that has installed the app on its account, and return its id."""
    with engine.begin() as connection:
        company_id = add_company(connection, "Acme Samples").id
    ada = signed_in(setup.app, engine, company_id)
    assert setup.connect(ada, company_id, setup.acme).status_code == 303
    return company_id


@pytest.fixture
def store(setup: ConnectSetup, engine: Engine, web_tools: Tools) -> CredentialStore:
    simulated = setup.server.stripe
    key, client_id = simulated.platform_key(livemode=True), simulated.client_id(livemode=True)
    app = StripeApp(key, client_id=client_id, bases=(setup.server.url, setup.server.url))
    return CredentialStore(engine, web_tools.box, platform_key=key, app=app)


def renewals(setup: ConnectSetup) -> int:
    """Return how often tokens were requested after the first time."""
    return setup.server.requests.counts().get("POST /v1/oauth/:id", 0) - 1


def reads(setup: ConnectSetup, credentials: Credentials) -> bool:
    client = stripe.StripeClient(credentials.api_key, base_addresses={"api": setup.server.url})
    return client.v1.invoices.list({"limit": 1}).data == []


def test_an_installed_app_reads_with_a_token_of_the_accounts_own(
    setup: ConnectSetup, store: CredentialStore, company_id: int
) -> None:
    credentials = store.of(company_id, now=setup.clock())

    assert setup.connection(company_id).account_name == "Acme Samples"

    assert setup.connection(company_id).method == "app"
    assert credentials.stripe_account is None
    assert reads(setup, credentials)


def test_a_token_is_kept_for_its_hour_and_renewed_before_it_ends(
    setup: ConnectSetup, store: CredentialStore, company_id: int
) -> None:
    first = store.of(company_id, now=setup.clock())
    setup.clock.advance(timedelta(minutes=54))
    still = store.of(company_id, now=setup.clock())
    setup.clock.advance(timedelta(minutes=2))
    renewed = store.of(company_id, now=setup.clock())
    setup.clock.advance(timedelta(hours=3))
    again = store.of(company_id, now=setup.clock())

    assert first == still
    assert len({first, renewed, again}) == 3
    assert reads(setup, again)
    assert renewals(setup) == 2


def test_of_many_that_find_the_token_expired_one_renews_it(
    setup: ConnectSetup, store: CredentialStore, company_id: int
) -> None:
    setup.clock.advance(timedelta(hours=2))

    with ThreadPoolExecutor(6) as threads:
        found = set(threads.map(lambda _: store.of(company_id, now=setup.clock()), range(12)))

    assert len(found) == 1
    assert renewals(setup) == 1


def test_an_app_that_was_uninstalled_has_to_be_installed_anew(
    setup: ConnectSetup, store: CredentialStore, company_id: int
) -> None:
    setup.server.stripe.disconnect(setup.acme.id, livemode=True)
    setup.clock.advance(timedelta(hours=2))

    with pytest.raises(NoCredentialsError):
        store.of(company_id, now=setup.clock())

    assert setup.connection(company_id).status == "reauthorization_required"
    assert setup.facts(company_id)[-1] == "connection.deauthorized"


def test_while_stripe_is_away_nothing_is_lost(setup: ConnectSetup, store: CredentialStore, company_id: int) -> None:
    setup.clock.advance(timedelta(hours=2))
    setup.server.faults.add(Fault(kind=FaultKind.ERROR, method="POST", path="/v1/oauth/token", status=503))

    with pytest.raises(OutcomeUnknownError):
        store.of(company_id, now=setup.clock())

    assert setup.connection(company_id).status == "connected"
    assert reads(setup, store.of(company_id, now=setup.clock()))


def test_disconnecting_uninstalls_the_app_and_forgets_its_tokens(
    setup: ConnectSetup, store: CredentialStore, company_id: int, engine: Engine
) -> None:
    ada = signed_in(setup.app, engine, company_id)

    answer = ada.send(f"/v1/companies/{company_id}/connection", "DELETE")

    assert answer.get_json()["status"] == "disconnected"
    assert not setup.is_connected_at_stripe(setup.acme)
    with pytest.raises(NoCredentialsError):
        store.of(company_id, now=setup.clock())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM secret").scalar_one() == 0


def test_a_connected_account_is_read_with_the_platforms_key(engine: Engine, clock: SetClock) -> None:
    company_id = company_with(engine, "acct_tests")
    store = CredentialStore(engine, SecretBox([b"k" * 32]), platform_key="sk_live_platform", app=None)

    assert store.of(company_id, now=clock()) == Credentials("sk_live_platform", "acct_tests")
    with pytest.raises(NoCredentialsError):
        store.of(company_id + 1, now=clock())
