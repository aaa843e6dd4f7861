"""A refusal by Stripe is named in the run, fails no more than it must, and is never taken for data."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from backlog.fetch_requests import request_fetches
from backlog.fetches import open_fetches
from backlog.syncs.schedule import next_sync_at, request_due_syncs
from events.connection.accounts import Account, Agreement, authorize
from sandbox.stripe.account.accounts import Account as SimulatedAccount
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.http.messages import Answer, Request
from sandbox.stripe.http.server import Address, HttpServer
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway, Tally
from stripe_gateway.credentials import CredentialStore
from stripe_gateway.http import BoundedHttpClient
from stripe_gateway.keyring import CompanyKeyring, Keyring
from stripe_gateway.objects import fetch
from stripe_gateway.rate_limit import RateLimit
from stripe_gateway.refusals import StripeAnswerError
from tenants.companies import add_company
from tenants.data_keys import key_id
from tenants.lost_secrets import forget_sealed_under
from tenants.secrets import SecretBox, keep_secret
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.databases import arranging
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.accounts import YESTERDAY, account_with_invoices, set_faults
from tests.support.syncs.runs import reset_rate_limits, sync
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import fetch_with, sync_with
from workers.wiring.tools import Tools

DATED = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}


@pytest.fixture
def account(simulated: SimulatedStripe) -> SimulatedAccount:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=60, seed=3, until=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: SimulatedAccount) -> int:
    return company_with(tools.engine, account.id)


def with_key(tools: Tools, server: StripeServer, key: str) -> Tools:
    return with_keyring(tools, server, PlatformKeyring(key))


def with_keyring(tools: Tools, server: StripeServer, keyring: Keyring) -> Tools:
    limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
    return replace(tools, stripe=StripeGateway(keyring, api_base=server.url, rate_limit=limit, pause=tools.pause))


def test_an_invalid_key_fails_the_run(tools: Tools, company_id: int, stripe_server: StripeServer) -> None:
    run = sync(with_key(tools, stripe_server, "sk_live_rolled"), company_id)

    assert (run.status, run.error_code) == ("failed", "stripe_key_refused")
    assert "sk_live_rolled" not in run.error_detail


def test_a_secret_that_cannot_be_opened_fails_the_run_by_its_name_and_nobody_elses(
    tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    _, theirs, (invoice_id,) = account_with_invoices(simulated, tools.engine, [YESTERDAY])
    account = Account(simulated.create_account("Key Shop").id, livemode=True)
    with arranging(tools.engine) as connection:
        ours = add_company(connection, "Key Shop").id
        by = Agreement("restricted_key")
        authorize(connection, ours, account, now=tools.clock(), actor="tests", by=by)
        keep_secret(connection, SecretBox([b"o" * 32]), ours, "restricted_key", "rk_live_planted")
    key = simulated.platform_key(livemode=True)
    store = CredentialStore(tools.engine, SecretBox([b"n" * 32]), platform_key=key, app=None)
    lost = with_keyring(tools, stripe_server, CompanyKeyring(tools.engine, store, clock=tools.clock))

    run = sync(lost, ours)
    with tools.engine.begin() as connection:
        for company_id, one in ((ours, "in_ours"), (theirs, invoice_id)):
            request_fetches(connection, company_id, "invoice", [one], livemode=True)

    assert (run.status, run.error_code) == ("failed", "secret_lost")
    assert f"sealed under {key_id(b'o' * 32)}" in run.error_detail
    assert fetch_with(lost) == 1
    with tools.engine.connect() as connection:
        (waiting,) = open_fetches(connection, ours, livemode=True)
    assert "ENCRYPTION_KEYS lacks" in str(waiting.error)
    with arranging(tools.engine) as connection:
        assert forget_sealed_under(connection, key_id(b"o" * 32)) == 1
    # Once it is forgotten, people are told to connect the account again.
    assert sync(lost, ours).error_code == "account_access_lost"


def test_once_the_key_is_fixed_the_next_run_starts_within_half_an_hour_after_any_number_of_failures(
    tools: Tools, account: SimulatedAccount, company_id: int, stripe_server: StripeServer, clock: SetClock
) -> None:
    refused, waits = with_key(tools, stripe_server, "sk_live_rolled"), []
    for _ in range(8):
        sync(refused, company_id)
        with tools.engine.connect() as connection:
            due = next_sync_at(connection, company_id)
        assert due is not None
        waits.append((due - clock()).total_seconds())
        clock.advance(due - clock())

    requested = request_due_syncs(tools.engine, now=clock(), period_seconds=86_400)
    sync_with(tools)

    assert waits == [60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert requested == 1
    assert table_of(tools.engine, company_id) == truth_of(account)


ALL_PERMISSIONS = ("rak_invoice_read", "rak_customer_read", "rak_event_read", "rak_price_read", "rak_plan_read")


def test_without_the_permission_to_read_invoices_the_run_fails(
    tools: Tools, account: SimulatedAccount, company_id: int, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    key = simulated.restricted_key(account.id, livemode=True, permissions=ALL_PERMISSIONS[1:])

    run = sync(with_key(tools, stripe_server, key), company_id)

    assert (run.status, run.error_code) == ("failed", "permission_missing")


@pytest.mark.parametrize(
    ("lacking", "resource"),
    [("rak_customer_read", "customers"), ("rak_event_read", "events"), ("rak_price_read", "price")],
)
def test_any_other_permission_that_is_missing_is_named_and_the_rest_is_read(  # noqa: PLR0913, PLR0917 - seven fixtures and parameters
    lacking: str,
    resource: str,
    tools: Tools,
    account: SimulatedAccount,
    company_id: int,
    simulated: SimulatedStripe,
    stripe_server: StripeServer,
) -> None:
    permissions = [
        one for one in ALL_PERMISSIONS if one != lacking and (lacking != "rak_price_read" or "plan" not in one)
    ]
    key = simulated.restricted_key(account.id, livemode=True, permissions=permissions)
    if resource == "events":  # read from the second sync on
        sync(tools, company_id, trigger="initial")

    run = sync(with_key(tools, stripe_server, key), company_id)

    assert run.status == "partially_succeeded"
    assert {one["resource"] for one in run.reconciliation["differences"]} == {resource}
    assert {row["invoice_id"] for row in table_of(tools.engine, company_id)} == {
        row["invoice_id"] for row in truth_of(account)
    }
    assert sync(tools, company_id).status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.parametrize(
    "transport",
    [partial(BoundedHttpClient, most_bytes=90_000), partial(BoundedHttpClient, most_seconds=0.02)],
    ids=["too large", "too slow"],
)
def test_a_page_that_is_too_much_at_once_is_asked_for_in_smaller_ones(
    transport: Callable[..., BoundedHttpClient], tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    account, company_id, _ = account_with_invoices(simulated, tools.engine, [YESTERDAY + place for place in range(130)])
    set_faults(stripe_server, [Fault(kind=FaultKind.DRIP, path="/v1/invoices", milliseconds=15, size=40_000, times=2)])
    gateway = StripeGateway(
        PlatformKeyring(simulated.platform_key(livemode=True)),
        api_base=stripe_server.url,
        rate_limit=RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis)),
        http=transport(connections=4),
        pause=tools.pause,
    )

    run = sync(replace(tools, stripe=gateway), company_id, trigger="initial")

    limits = {seen.target.partition("limit=")[2].partition("&")[0] for seen in stripe_server.requests.seen}
    assert {"100", "50"} <= limits
    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_a_redirect_is_not_followed(tools: Tools, company_id: int, stripe_server: StripeServer) -> None:
    def redirect(request: Request) -> Answer:
        return Answer(302, b"", {"Location": f"{stripe_server.url}{request.path}"} | DATED)

    with HttpServer(redirect, Address()) as elsewhere:
        limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
        gateway = StripeGateway(
            PlatformKeyring("sk_live_x"), api_base=elsewhere.url, rate_limit=limit, pause=tools.pause
        )
        run = sync(replace(tools, stripe=gateway), company_id)

    assert (run.status, run.error_code) == ("failed", "stripe_unavailable")
    assert stripe_server.requests.seen == []


def test_an_answer_that_is_no_invoice_is_postponed_and_ends_nobodys_turn(
    tools: Tools, company_id: int, stripe_server: StripeServer
) -> None:
    sync(tools, company_id, trigger="initial")
    with tools.engine.begin() as connection:
        request_fetches(connection, company_id, "invoice", ["in_odd"], livemode=True)

    def odd(request: Request) -> Answer:
        return Answer(200, b'{"object": "invoice"}', DATED)

    with HttpServer(odd, Address()) as elsewhere:
        limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
        key = stripe_server.stripe.platform_key(livemode=True)
        gateway = StripeGateway(PlatformKeyring(key), api_base=elsewhere.url, rate_limit=limit, pause=tools.pause)
        fetch_with(replace(tools, stripe=gateway))

    with tools.engine.connect() as connection:
        (waiting,) = open_fetches(connection, company_id, livemode=True)
    assert waiting.object_id == "in_odd"
    assert waiting.error is not None


def test_a_line_of_another_invoice_is_never_kept(
    tools: Tools, simulated: SimulatedStripe, stripe_server: StripeServer
) -> None:
    account_with_invoices(simulated, tools.engine, [YESTERDAY])
    account = simulated.create_account("Sample Studio")
    buyer = account.live.create_customer("Zed Inc")
    invoice = account.live.create_paid_invoice(buyer.id, [LineSpec(amount=each) for each in range(12)])
    set_faults(stripe_server, [Fault(kind=FaultKind.FOREIGN_OBJECT, path="/v1/invoices/*/lines", times=None)])

    with pytest.raises(StripeAnswerError):
        fetch(tools.stripe, Account(account.id, livemode=True), "invoice_lines", invoice.id, Tally())
