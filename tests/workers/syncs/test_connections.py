"""The state of a connection decides what a sync reads, and with which key."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from backlog.syncs.schedule import request_due_syncs
from events.connection.accounts import Account, Agreement, authorize, connection_state
from events.connection.lifecycle import NotConnectedError, disconnect, pause, resume
from sandbox.stripe.account.accounts import Account as SimulatedAccount
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway, Tally
from stripe_gateway.credentials import CredentialStore
from stripe_gateway.keyring import CompanyKeyring
from stripe_gateway.rate_limit import RateLimit
from stripe_gateway.refusals import AccountRefusedError
from tenants.companies import add_company
from tenants.secrets import SecretBox, keep_secret
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.databases import arranging
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.run_states import run_of
from tests.support.syncs.runs import ask_for_sync, reset_rate_limits, sync
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import sync_with
from workers.wiring.tools import Tools

READS = (
    "rak_invoice_read",
    "rak_customer_read",
    "rak_event_read",
    "rak_plan_read",
    "rak_product_read",
    "rak_credit_note_read",
)


@pytest.fixture
def account(simulated: SimulatedStripe) -> SimulatedAccount:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=40, seed=3, until=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: SimulatedAccount) -> int:
    return company_with(tools.engine, account.id)


def with_keyring(
    tools: Tools, server: StripeServer, box: SecretBox, *, platform_key: str = "sk_live_of_nobody"
) -> Tools:
    """Return tools that read each account with the credentials of its company."""
    store = CredentialStore(tools.engine, box, platform_key=platform_key, app=None)
    gateway = StripeGateway(
        CompanyKeyring(tools.engine, store, clock=tools.clock),
        api_base=server.url,
        rate_limit=RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis)),
        pause=tools.pause,
    )
    return replace(tools, stripe=gateway)


def test_while_a_connection_is_paused_nothing_is_asked_and_afterwards_the_run_is_made_up_for(
    tools: Tools, company_id: int, stripe_server: StripeServer
) -> None:
    run_id = ask_for_sync(tools.engine, company_id, tools.clock)
    with arranging(tools.engine) as connection:
        pause(connection, company_id, actor="tests", now=NOON)

    sync_with(tools)
    requested = request_due_syncs(tools.engine, now=tools.clock() + timedelta(days=3), period_seconds=86_400)

    assert (run_of(tools.engine, company_id, run_id).status, requested) == ("canceled", 0)
    assert stripe_server.requests.seen == []
    with pytest.raises(NotConnectedError):
        ask_for_sync(tools.engine, company_id, tools.clock)
    with arranging(tools.engine) as connection:
        resume(connection, company_id, actor="tests", now=NOON)
    assert request_due_syncs(tools.engine, now=tools.clock() + timedelta(days=3), period_seconds=86_400) == 1


def test_an_account_that_was_taken_from_us_has_to_be_connected_anew(
    tools: Tools, account: SimulatedAccount, company_id: int, simulated: SimulatedStripe
) -> None:
    simulated.disconnect(account.id, livemode=True)

    run = sync(tools, company_id)

    with tools.engine.connect() as connection:
        state = connection_state(connection, company_id)
        types = connection.scalars(text("SELECT type FROM event WHERE source = 'revmap' ORDER BY position DESC")).all()
    assert run.error_code == "account_access_lost"
    assert state is not None
    assert state.status == "reauthorization_required"
    assert types[:2] == ["sync.finished", "connection.deauthorized"]


def test_sync_is_proven_by_the_account_that_is_connected_while_lines_of_the_one_before_stay(
    tools: Tools, account: SimulatedAccount, company_id: int, simulated: SimulatedStripe
) -> None:
    sync(tools, company_id)
    simulated.disconnect(account.id, livemode=True)
    assert sync(tools, company_id).error_code == "account_access_lost"
    other = simulated.create_account("Sample Successor")
    generate(other, invoices=10, seed=4, until=YESTERDAY)
    with arranging(tools.engine) as connection:
        authorize(connection, company_id, Account(other.id, livemode=True), now=tools.clock(), actor="tests")

    run = sync(tools, company_id, trigger="initial")

    assert (run.status, run.reconciliation["differences"]) == ("succeeded", [])
    both = sorted(truth_of(account) + truth_of(other), key=lambda row: (row["invoice_id"], row["invoice_line_item_id"]))
    assert table_of(tools.engine, company_id) == both


def test_an_account_that_gave_us_a_key_is_read_with_that_key(
    tools: Tools, account: SimulatedAccount, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    box = SecretBox([b"k" * 32])
    key = simulated.restricted_key(account.id, livemode=True, permissions=READS)
    with arranging(tools.engine) as connection:
        company_id = add_company(connection, "Sample Studio").id
        keep_secret(connection, box, company_id, "restricted_key", key)
        of = Account(account.id, livemode=True)
        authorize(connection, company_id, of, now=NOON, actor="tests", by=Agreement("restricted_key"))

    run = sync(with_keyring(tools, stripe_server, box), company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_each_mode_of_an_account_is_read_with_the_key_of_the_company_that_connected_it(tools: Tools) -> None:
    box = SecretBox([b"k" * 32])
    for livemode, key in ((True, "rk_live_of_one"), (False, "rk_test_of_another")):
        with arranging(tools.engine) as connection:
            company_id = add_company(connection, key).id
            keep_secret(connection, box, company_id, "restricted_key", key)
            of = Account("acct_1", livemode=livemode)
            authorize(connection, company_id, of, now=NOON, actor="tests", by=Agreement("restricted_key"))
    store = CredentialStore(tools.engine, box, platform_key="sk_live_of_nobody", app=None)
    keyring = CompanyKeyring(tools.engine, store, clock=tools.clock)

    keys = [keyring.of(Account("acct_1", livemode=livemode)).api_key for livemode in (True, False, True)]

    assert keys == ["rk_live_of_one", "rk_test_of_another", "rk_live_of_one"]


def test_an_account_whose_own_key_stripe_refuses_has_to_be_connected_anew(
    tools: Tools, account: SimulatedAccount, stripe_server: StripeServer
) -> None:
    box = SecretBox([b"k" * 32])
    with arranging(tools.engine) as connection:
        company_id = add_company(connection, "Sample Studio").id
        keep_secret(connection, box, company_id, "restricted_key", "rk_live_that_was_rolled")
        of = Account(account.id, livemode=True)
        authorize(connection, company_id, of, now=NOON, actor="tests", by=Agreement("restricted_key"))

    run = sync(with_keyring(tools, stripe_server, box), company_id)

    with tools.engine.connect() as connection:
        state = connection_state(connection, company_id)
    assert (run.status, run.error_code) == ("failed", "account_access_lost")
    assert state is not None
    assert state.status == "reauthorization_required"


def test_a_key_that_was_replaced_while_an_older_one_was_remembered_is_used(
    tools: Tools, account: SimulatedAccount, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    box = SecretBox([b"k" * 32])
    of = Account(account.id, livemode=True)
    with arranging(tools.engine) as connection:
        company_id = add_company(connection, "Sample Studio").id
        keep_secret(connection, box, company_id, "restricted_key", "rk_live_that_was_rolled")
        authorize(connection, company_id, of, now=NOON, actor="tests", by=Agreement("restricted_key"))
    reading = with_keyring(tools, stripe_server, box)
    with pytest.raises(AccountRefusedError):
        reading.stripe.ask(of, "invoices.list", "/v1/invoices", Tally())
    key = simulated.restricted_key(account.id, livemode=True, permissions=READS)
    with arranging(tools.engine) as connection:
        keep_secret(connection, box, company_id, "restricted_key", key)

    run = sync(reading, company_id)

    assert run.status == "succeeded"


def test_an_account_that_was_disconnected_and_connected_by_a_key_at_once_is_read_with_that_key(
    tools: Tools,
    account: SimulatedAccount,
    company_id: int,
    simulated: SimulatedStripe,
    stripe_server: StripeServer,
) -> None:
    box = SecretBox([b"k" * 32])
    of = Account(account.id, livemode=True)
    reading = with_keyring(tools, stripe_server, box, platform_key=simulated.platform_key(livemode=True))
    assert sync(reading, company_id).status == "succeeded"
    simulated.disconnect(account.id, livemode=True)
    key = simulated.restricted_key(account.id, livemode=True, permissions=READS)
    with arranging(tools.engine) as connection:
        disconnect(connection, company_id, actor="tests", now=tools.clock())
        keep_secret(connection, box, company_id, "restricted_key", key)
        authorize(connection, company_id, of, now=tools.clock(), actor="tests", by=Agreement("restricted_key"))

    run = sync(reading, company_id, trigger="reauthorization")

    assert (run.status, run.error_code) == ("succeeded", None)


def test_an_account_whose_key_is_gone_has_to_be_connected_anew(
    tools: Tools, account: SimulatedAccount, stripe_server: StripeServer
) -> None:
    with arranging(tools.engine) as connection:
        company_id = add_company(connection, "Sample Studio").id
        of = Account(account.id, livemode=True)
        authorize(connection, company_id, of, now=NOON, actor="tests", by=Agreement("restricted_key"))

    run = sync(with_keyring(tools, stripe_server, SecretBox([b"k" * 32])), company_id)

    assert (run.status, run.error_code) == ("failed", "account_access_lost")
    assert stripe_server.requests.seen == []
