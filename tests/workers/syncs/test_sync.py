"""A sync reads the whole account, appends what differs, and succeeds only if the table equals Stripe's books."""

import pytest
from sqlalchemy import text

from backlog.syncs.health import connection_health
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from workers.wiring.tools import Tools


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=250, seed=3, until=int(NOON.timestamp()) - 86_400)
    return account


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


def test_the_first_sync_of_an_account_gives_the_truth(tools: Tools, account: Account, company_id: int) -> None:
    run = sync(tools, company_id, trigger="initial")

    assert table_of(tools.engine, company_id) == truth_of(account)
    assert run.status == "succeeded"
    assert run.reconciliation["differences"] == []
    assert run.reconciliation["matched"] == run.invoices_listed == run.invoices_new


def test_the_connections_health_follows_a_sync(tools: Tools, account: Account, company_id: int) -> None:
    run = sync(tools, company_id, trigger="initial")

    with tools.engine.connect() as connection:
        health = connection_health(connection, company_id, tools.clock())
    assert (health.status, health.account_id, health.health) == ("connected", account.id, "healthy")
    assert (health.last_success_at, health.data_through) == (run.finished_at, run.coverage_to)


def test_a_second_sync_of_an_unchanged_account_appends_no_invoice_and_asks_little(
    tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    sync(tools, company_id, trigger="initial")
    stripe_server.requests.clear()
    with tools.engine.connect() as connection:
        before = connection.scalars(text("SELECT count(*) FROM event WHERE source <> 'revmap'")).one()

    run = sync(tools, company_id)

    with tools.engine.connect() as connection:
        after = connection.scalars(text("SELECT count(*) FROM event WHERE source = 'stripe.api'")).one()
    assert sum(stripe_server.requests.counts().values()) == run.requests <= 250 / 100 + 16
    assert run.status == "succeeded"
    assert (run.invoices_new, run.invoices_changed) == (0, 0)
    assert after == before
