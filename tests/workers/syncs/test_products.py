"""Names of products and prices reach the table by syncs and fetches; who may not read products still gets its lines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from backlog.syncs.health import connection_health
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tests.support.clock import SetClock
from tests.support.company import company_with, record_events
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import reset_rate_limits, sync
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import catch_up_with, fetch_with
from workers.wiring.tools import Tools

WITHOUT_PRODUCTS = ("rak_invoice_read", "rak_customer_read", "rak_event_read", "rak_plan_read", "rak_credit_note_read")


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    """Return an account with a paid invoice of two products and three prices."""
    account = simulated.create_account("Sample Studio")
    live = account.live
    team, setup = (live.create_product(name, at=YESTERDAY).id for name in ("Team plan", "Setup"))
    prices = (
        live.create_price(team, 100, every=(1, "month"), nickname="Monthly", lookup_key="team_m", at=YESTERDAY),
        live.create_price(team, 900, every=(1, "year"), lookup_key="team_y", at=YESTERDAY),
        live.create_price(setup, 50, at=YESTERDAY),
    )
    buyer = live.create_customer("Zed Inc", at=YESTERDAY)
    live.create_paid_invoice(buyer.id, [LineSpec(amount=9, price=one.id) for one in prices], at=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


def names_in(engine: Engine, company_id: int) -> set[tuple[str | None, str | None]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT product_name, price_name FROM revenue_line WHERE company_id = :id"), {"id": company_id}
        )
        return {(row.product_name, row.price_name) for row in rows}


def test_a_sync_names_products_and_prices_and_the_next_ones_rename_them(
    tools: Tools, account: Account, company_id: int, clock: SetClock
) -> None:
    first = sync(tools, company_id, trigger="initial")
    named = names_in(tools.engine, company_id)
    clock.advance(timedelta(hours=1))
    at = int(clock().timestamp())
    team, setup = (product.id for product in account.live.products)
    account.live.rename_product(team, "Crew plan", at=at)
    account.live.rename_price(next(iter(account.live.prices)).id, "Every month", at=at)
    by_feed = sync(tools, company_id)
    account.live.journal.recording = False
    clock.advance(timedelta(hours=1))
    account.live.rename_product(setup, "Onboarding")
    by_list = sync(tools, company_id)

    assert named == {("Team plan", "Monthly"), ("Team plan", "team_y"), ("Setup", None)}
    assert [run.status for run in (first, by_feed, by_list)] == ["succeeded"] * 3
    assert names_in(tools.engine, company_id) == {
        ("Crew plan", "Every month"),
        ("Crew plan", "team_y"),
        ("Onboarding", None),
    }
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_products_that_lines_refer_to_are_fetched_once(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    endpoint = simulated.add_endpoint("", ["whsec_x"], types=("invoice.paid",))
    buyer, prices = next(iter(account.live.customers)), list(account.live.prices)
    for _ in range(2):
        account.live.create_paid_invoice(buyer.id, [LineSpec(amount=9, price=one.id) for one in prices])
    record_events(tools.engine, *(delivery.body for delivery in simulated.signed_deliveries(endpoint)))

    while catch_up_with(tools) + fetch_with(tools):
        pass

    assert ("Setup", None) in names_in(tools.engine, company_id)
    assert stripe_server.requests.counts()["GET /v1/products/:id"] == len(account.live.products)


def test_without_the_permission_to_read_products_a_sync_succeeds_with_a_notice_and_asks_for_each_only_once(
    tools: Tools, simulated: SimulatedStripe, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    key = simulated.restricted_key(account.id, livemode=True, permissions=WITHOUT_PRODUCTS)
    limit = RateLimit(tools.redis, pause=lambda _seconds: reset_rate_limits(tools.redis))
    gateway = StripeGateway(PlatformKeyring(key), api_base=stripe_server.url, rate_limit=limit, pause=tools.pause)
    limited = replace(tools, stripe=gateway)

    run = sync(limited, company_id, trigger="initial")
    asked = stripe_server.requests.counts()["GET /v1/products/:id"]
    with tools.engine.connect() as connection:
        health = connection_health(connection, company_id, tools.clock())
    later = sync(tools, company_id)

    assert (run.status, run.reconciliation["differences"], health.data_through) == ("succeeded", [], run.coverage_to)
    assert [(one["kind"], one["resource"]) for one in run.reconciliation["notices"]] == [
        ("permission_missing", "products")
    ]
    assert asked <= len(account.live.products)
    assert (later.status, later.reconciliation["notices"]) == ("succeeded", [])
    assert table_of(tools.engine, company_id) == truth_of(account)
