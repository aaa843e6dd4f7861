"""Stripe tells an event by webhook and in its list of events: the log holds it once, whichever came first."""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from events.intake.envelope import event_from_stripe
from events.intake.receive import Received, receive
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.records.specs import LineSpec
from stripe_gateway.client import Tally
from stripe_gateway.pages import Page, PageAddress, Window, read_page
from tests.support.clock import SetClock
from tests.support.company import catch_up, company_with
from tests.support.databases import arranging
from tests.support.log import copy_log
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.run_states import run_of, start_run
from tests.support.syncs.runs import sync
from tests.support.syncs.truth import table_of, truth_of
from workers.syncs.answers import keep_page
from workers.syncs.leases import Lease, held
from workers.wiring.tools import Tools

_TOLD = text("""
    SELECT external_id, source FROM event WHERE company_id = :company_id AND source IN ('stripe', 'stripe.events')
    ORDER BY position
""")


def told(engine: Engine, company_id: int) -> Counter[str]:
    """Return how often the log holds each of Stripe's events, having checked that no body was set aside."""
    with arranging(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event_conflict").scalar_one() == 0
        return Counter(row.external_id for row in connection.execute(_TOLD, {"company_id": company_id}))


def listens(simulated: SimulatedStripe) -> tuple[Account, list[bytes]]:
    """Return an account of three invoices, and its webhooks in another API version than its list of events has."""
    account = simulated.create_account("Sample Studio")
    endpoint = simulated.add_endpoint("", ["whsec_x"], api_version="2024-06-20")
    buyer = account.live.create_customer("Zed Inc", at=YESTERDAY)
    for at in (YESTERDAY, YESTERDAY + 1):
        account.live.create_paid_invoice(buyer.id, [LineSpec(amount=100)], at=at)
    paid_later = account.live.create_invoice(buyer.id, [LineSpec(amount=100)], at=YESTERDAY + 2)
    account.live.finalize_invoice(paid_later.id, at=YESTERDAY + 2)
    account.live.pay_invoice(paid_later.id, at=YESTERDAY + 60)
    return account, [delivery.body for delivery in simulated.signed_deliveries(endpoint, account=account)]


def receive_all(connection: Connection, bodies: list[bytes]) -> list[Received]:
    return receive(connection, [event_from_stripe(body) for body in bodies])


def feed_of(tools: Tools, lease: Lease) -> Page:
    address = PageAddress("events", Window(None, None), None, None, 100)
    return read_page(tools.stripe, lease.account, address, Tally())


def keep_feed(tools: Tools, lease: Lease, page: Page) -> None:
    with held(tools.engine, lease) as connection:
        keep_page(connection, lease, "events", page)


def found_by(tools: Tools, lease: Lease) -> tuple[int, int]:
    run = run_of(tools.engine, lease.company_id, lease.run_id)
    return run.invoices_new, run.invoices_changed


@pytest.mark.parametrize("is_webhook_first", [True, False])
def test_event_that_comes_both_ways_is_held_once_as_it_came_first(
    is_webhook_first: bool,  # noqa: FBT001 - a case
    tools: Tools,
    simulated: SimulatedStripe,
) -> None:
    account, bodies = listens(simulated)
    company_id = company_with(tools.engine, account.id)
    lease = start_run(tools.engine, company_id)
    page = feed_of(tools, lease)
    listed = {body for _, body in page.objects}
    assert len(listed) > 3
    assert listed.isdisjoint(bodies)
    received: list[Received] = []

    for is_webhook in (is_webhook_first, not is_webhook_first) * 2:
        if is_webhook:
            with arranging(tools.engine) as connection:
                received = receive_all(connection, bodies)
        else:
            keep_feed(tools, lease, page)
    catch_up(tools.engine)

    held_once = told(tools.engine, company_id)
    assert set(held_once.values()) == {1}
    assert len(held_once) == len(bodies) >= len(listed)
    assert not any(one.is_new for one in received)
    # Of each invoice there are several events: the first makes it new, and a webhook's invoice is no find of the run.
    assert found_by(tools, lease) == ((0, 0) if is_webhook_first else (3, 0))


def test_event_that_comes_both_ways_at_once_is_held_once_and_no_find_of_the_run(
    tools: Tools, engine: Engine, simulated: SimulatedStripe
) -> None:
    account, bodies = listens(simulated)
    company_id = company_with(tools.engine, account.id)
    lease = start_run(tools.engine, company_id)
    page = feed_of(tools, lease)
    with ThreadPoolExecutor(1) as threads, engine.connect() as webhooks, webhooks.begin() as arriving:
        # Not committed: the feed finds none of them, and waits for the head of the log.
        receive_all(webhooks, bodies[:-1])
        keeping = threads.submit(keep_feed, tools, lease, page)
        await_blocked(engine, keeping)
        arriving.commit()
        keeping.result(40)

    with arranging(tools.engine) as connection:
        receive_all(connection, bodies)
    assert set(told(tools.engine, company_id).values()) == {1}
    with arranging(tools.engine) as connection:
        sources = Counter(row.source for row in connection.execute(_TOLD, {"company_id": company_id}))
    assert sources["stripe"] >= len(bodies) - 1
    assert sum(found_by(tools, lease)) <= 1


def await_blocked(engine: Engine, waiting: Future[None]) -> None:
    """Return as soon as somebody waits for a lock; fail if the one who should has ended."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
        while not watching.exec_driver_sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).all():
            assert not waiting.done()


def test_webhooks_after_a_sync_are_nothing_new_and_neither_is_a_sync_after_webhooks(
    tools: Tools, simulated: SimulatedStripe, clock: SetClock
) -> None:
    account, bodies = listens(simulated)
    endpoint = simulated.endpoints[0]
    company_id = company_with(tools.engine, account.id)
    sync(tools, company_id, trigger="initial")
    buyer = account.live.create_customer("Zed Inc")
    account.live.create_paid_invoice(buyer.id, [LineSpec(amount=100)])
    clock.advance(timedelta(hours=1))
    first = sync(tools, company_id)
    bodies = [delivery.body for delivery in simulated.signed_deliveries(endpoint, account=account)]
    with arranging(tools.engine) as connection:
        receive_all(connection, bodies)
    before = told(tools.engine, company_id)
    clock.advance(timedelta(hours=1))
    second = sync(tools, company_id)

    assert set(before.values()) == {1}
    assert told(tools.engine, company_id) == before
    assert (first.invoices_new, first.invoices_changed) == (1, 0)
    assert (second.invoices_new, second.invoices_changed, second.reconciliation["repaired"]) == (0, 0, 0)
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_log_that_holds_events_from_both_ways_folds_to_the_same_and_grows_no_further(
    tools: Tools, simulated: SimulatedStripe
) -> None:
    account, bodies = listens(simulated)
    company_id = company_with(tools.engine, account.id)
    with arranging(tools.engine) as connection:
        receive_all(connection, bodies)
        # As the releases before stored them.
        events = connection.exec_driver_sql("SELECT max(position) FROM event").scalar_one()
        copy_log_twice(connection, company_id, events)
    catch_up(tools.engine)
    once = company_with(tools.engine, "acct_once")
    copy_log(tools.engine, company_id, once, after=1, through=events)
    catch_up(tools.engine)

    with arranging(tools.engine) as connection:
        again = receive_all(connection, bodies)
        aside = receive_all(connection, [bodies[0] + b" "])

    assert [one.position for one in again] == list(range(2, events + 1))
    assert not any(one.is_new for one in (*again, *aside))
    assert table_of(tools.engine, company_id) == table_of(tools.engine, once) == truth_of(account)


def copy_log_twice(connection: Connection, company_id: int, events: int) -> None:
    """Repeat all of a log's events of Stripe under the source of the list of events."""
    connection.execute(
        text("""
            INSERT INTO event (company_id, position, type, version, entity, source, external_id, account_id, livemode,
                api_version, occurred_at, recorded_at, payload_zstd, payload_sha256)
            SELECT company_id, position + :events - 1, type, version, entity, 'stripe.events', external_id, account_id,
                livemode, api_version, occurred_at, recorded_at, payload_zstd, payload_sha256
            FROM event WHERE company_id = :company_id AND source = 'stripe'
        """),
        {"company_id": company_id, "events": events},
    )
    connection.execute(
        text("UPDATE company_head SET position = 2 * :events - 1 WHERE company_id = :company_id"),
        {"company_id": company_id, "events": events},
    )
