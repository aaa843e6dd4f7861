"""One worker at a time works on a run, however many try, and whatever stops that worker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, text

from backlog.queues import open_redis
from backlog.syncs.requests import SyncRun, cancel_sync, request_sync
from backlog.syncs.schedule import request_due_syncs
from events.connection.accounts import DISCONNECTED
from events.connection.lifecycle import PAUSED, disconnect, pause
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import StripeServer
from sandbox.valkey import ValkeyServer
from stripe_gateway.client import StripeGateway
from stripe_gateway.rate_limit import RateLimit
from tests.support.clock import NOON, SetClock
from tests.support.company import company_with
from tests.support.databases import arranging
from tests.support.platform_keyring import PlatformKeyring
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.gateway_hooks import on_request, with_hook
from tests.support.syncs.run_states import run_of
from tests.support.syncs.runs import ask_for_sync, finish_sync, sync
from tests.support.syncs.truth import table_of, truth_of
from workers.jobs import sync_with
from workers.syncs import leases, turns
from workers.syncs.segments import MOST_AT_ONCE
from workers.wiring.tools import Tools

THREADS = 6
DAY_SECONDS = 86_400


@pytest.fixture
def account(simulated: SimulatedStripe) -> Account:
    account = simulated.create_account("Sample Studio")
    generate(account, invoices=130, seed=3, until=YESTERDAY)
    return account


@pytest.fixture
def company_id(tools: Tools, account: Account) -> int:
    return company_with(tools.engine, account.id)


def all_at_once(act: Callable[[int], object]) -> list[object]:
    """Call a function in many threads at the same moment, and return the results."""
    barrier = Barrier(THREADS)

    def wait_and_act(place: int) -> object:
        barrier.wait()
        return act(place)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_act, range(THREADS)))


def runs_of(engine: Engine, company_id: int) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        of_company = {"id": company_id}
        rows = connection.execute(text("SELECT trigger, status FROM sync_run WHERE company_id = :id"), of_company)
        return [(row.trigger, row.status) for row in rows]


def let_leases_run_out(engine: Engine) -> None:
    with arranging(engine) as connection:
        connection.execute(text("UPDATE sync_run SET lease_until = clock_timestamp() - interval '1 second'"))


def facts_of(engine: Engine, company_id: int) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        of_company = {"id": company_id}
        rows = connection.execute(
            text("SELECT position, type, entity FROM event WHERE company_id = :id ORDER BY 1"), of_company
        )
        return [tuple(row) for row in rows]


def test_many_who_ask_at_once_are_given_one_run(engine: Engine, clock: SetClock) -> None:
    company_id = company_with(engine, "acct_1")

    requested = all_at_once(lambda _: ask_for_sync(engine, company_id, clock))

    assert len(set(requested)) == 1
    assert runs_of(engine, company_id) == [("manual", "queued")]


def test_a_request_under_a_key_is_answered_with_its_run_even_when_that_is_over(
    tools: Tools, company_id: int, clock: SetClock
) -> None:
    def ask(key: str) -> int:
        with arranging(tools.engine) as connection:
            run = request_sync(
                connection, company_id, trigger="manual", actor="tests", now=clock(), idempotency_key=key
            )
        return int(run.id)

    first = ask("monday")
    finish_sync(tools, company_id, first)

    assert ask("monday") == first
    assert ask("tuesday") > first


@pytest.mark.promise("Schedules: however many clocks, one run for each company and period")
def test_any_number_of_clocks_makes_one_run_per_company_and_period(engine: Engine, clock: SetClock) -> None:
    companies = [company_with(engine, f"acct_{number}") for number in range(5)]

    for _ in range(2):
        all_at_once(lambda _: request_due_syncs(engine, now=clock(), period_seconds=DAY_SECONDS))

    assert [runs_of(engine, company_id) for company_id in companies] == [[("initial", "queued")]] * 5


def test_after_days_without_a_clock_there_is_one_run_that_reads_the_whole_gap(
    tools: Tools, account: Account, company_id: int, clock: SetClock, simulated: SimulatedStripe
) -> None:
    sync(tools, company_id, trigger="initial")
    for _ in range(3):
        clock.advance(timedelta(days=1))
        buyer = account.live.create_customer("New Sample GmbH")
        account.live.create_paid_invoice(buyer.id, [])
    for _ in range(3):
        request_due_syncs(tools.engine, now=clock(), period_seconds=DAY_SECONDS)
        clock.advance(timedelta(minutes=1))

    assert runs_of(tools.engine, company_id) == [("initial", "succeeded"), ("scheduled", "queued")]
    while sync_with(tools):
        pass
    assert table_of(tools.engine, company_id) == truth_of(account)
    with tools.engine.connect() as connection:
        fetched_events = connection.scalars(text("SELECT count(*) FROM event WHERE source = 'stripe.events'")).one()
    assert fetched_events >= 3


def overtaken(tools: Tools, company_id: int) -> tuple[SyncRun, SyncRun, bool]:
    """Let a sync be overtaken while its worker sleeps; return the run as it ended, as it is then, and if facts came."""
    asleep, may_wake = Event(), Event()

    def sleep() -> None:
        asleep.set()
        may_wake.wait()

    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")
    with ThreadPoolExecutor(8) as threads, ThreadPoolExecutor(1) as elsewhere:
        sleeper = elsewhere.submit(sync_with, replace(with_hook(tools, on_request(1, sleep)), executor=threads))
        try:
            asleep.wait()
            let_leases_run_out(tools.engine)
            run = finish_sync(tools, company_id, run_id)
            before = facts_of(tools.engine, company_id)
        finally:
            may_wake.set()
        sleeper.result()
    return run, run_of(tools.engine, company_id, run_id), facts_of(tools.engine, company_id) != before


@pytest.mark.promise("A worker that was overtaken while it stood still keeps nothing")
def test_a_worker_that_was_overtaken_while_it_slept_keeps_nothing(
    tools: Tools, account: Account, company_id: int
) -> None:
    run, now, are_facts_added = overtaken(tools, company_id)

    assert run.status == "succeeded"
    assert now == run
    assert not are_facts_added
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.planted("a worker writes under a lease that it lost (sleeping worker)", trials=(0, 1))
def test_a_lease_without_a_fence_is_found(
    tools: Tools, account: Account, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fenced, open_to_all = "AND epoch = :epoch AND status = 'running'", "AND :epoch IS NOT NULL"
    for name in ("_HOLD", "_RELEASE"):
        statement = str(getattr(leases, name))
        assert fenced in statement
        monkeypatch.setattr(leases, name, text(statement.replace(fenced, open_to_all)))

    run, now, are_facts_added = overtaken(tools, company_id)

    assert now != run or are_facts_added


def test_a_lease_that_nobody_holds_on_to_is_taken_over_where_it_was_left(
    tools: Tools, account: Account, company_id: int, stripe_server: StripeServer
) -> None:
    class Crash(Exception):  # noqa: N818 - not an error of the product
        pass

    def crash() -> None:
        raise Crash

    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")
    with pytest.raises(Crash):
        sync_with(with_hook(tools, on_request(3, crash)))
    assert sync_with(tools) == 0
    let_leases_run_out(tools.engine)

    run = finish_sync(tools, company_id, run_id)

    assert (run.status, run.crashes) == ("succeeded", 0)
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_workers_that_crash_twice_in_a_row_make_pages_smaller_and_twelve_end_the_run(
    tools: Tools, company_id: int, stripe_server: StripeServer
) -> None:
    def sizes() -> list[str]:
        queries = [parse_qs(urlsplit(seen.target).query) for seen in stripe_server.requests.seen]
        stripe_server.requests.clear()
        return [query["limit"][0] for query in queries if "limit" in query]

    def crash(_number: int, _path: str) -> None:
        raise ZeroDivisionError

    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")
    requested = []
    for _ in range(12):
        # Each worker has its own threads, so that none of its requests comes after those of the next.
        with ThreadPoolExecutor(8) as threads, pytest.raises(ZeroDivisionError):
            sync_with(replace(with_hook(tools, crash), executor=threads))
        requested.append(sizes()[0])
        let_leases_run_out(tools.engine)

    assert requested[:5] == ["100", "100", "50", "25", "12"]
    assert requested[-1] == "1"
    run = finish_sync(tools, company_id, run_id)
    assert (run.status, run.error_code) == ("failed", "worker_crashed")


@pytest.mark.promise("Redis lost at any moment: no run is lost, nothing has to be done by hand")
def test_a_flushed_valkey_loses_nothing(tools: Tools, account: Account, company_id: int) -> None:
    def flush(_number: int, _path: str) -> None:
        tools.redis.flushall()

    run = sync(with_hook(tools, flush), company_id, trigger="initial")

    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.promise("Redis lost at any moment: no run is lost, nothing has to be done by hand")
def test_a_valkey_that_goes_away_in_the_middle_stops_nothing(
    tools: Tools, account: Account, company_id: int, stripe_server: StripeServer, tmp_path: Path
) -> None:
    server = ValkeyServer.start(tmp_path / "valkey", durable=False)
    key = stripe_server.stripe.platform_key(livemode=True)
    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")
    with open_redis(server.url) as redis:
        limit = RateLimit(redis, pause=lambda _seconds: limit._local.clear())
        gateway = StripeGateway(PlatformKeyring(key), api_base=stripe_server.url, rate_limit=limit, pause=tools.pause)
        sync_with(with_hook(replace(tools, redis=redis, stripe=gateway), on_request(2, server.stop)))

    assert run_of(tools.engine, company_id, run_id).invoices_listed >= 100
    run = finish_sync(tools, company_id, run_id)
    assert run.status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


@pytest.mark.parametrize("at_request", [1, 3, 6])
def test_a_run_that_is_to_stop_stops_at_its_next_page_and_keeps_what_it_read(
    at_request: int, tools: Tools, company_id: int
) -> None:
    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")

    def cancel() -> None:
        with arranging(tools.engine) as connection:
            cancel_sync(connection, company_id, run_id, actor="tests", now=NOON)

    requested: list[int] = []

    def count_and_cancel(number: int, path: str) -> None:
        requested.append(number)
        on_request(at_request, cancel)(number, path)

    sync_with(with_hook(tools, count_and_cancel))

    run = run_of(tools.engine, company_id, run_id)
    assert (run.status, run.phase, run.lease_until) == ("canceled", "finished", None)
    # Requests already handed to threads may still be sent; no further ones are, and nothing of their answers is stored.
    assert len(requested) <= at_request + 3 * MOST_AT_ONCE
    with tools.engine.connect() as connection:
        last = connection.scalars(text("SELECT type FROM event ORDER BY position DESC LIMIT 1")).one()
    assert last == "sync.finished"
    assert sync(tools, company_id).status == "succeeded"


def test_a_run_that_stripe_puts_off_for_a_week_fails_and_the_next_goes_on(
    tools: Tools, company_id: int, clock: SetClock
) -> None:
    run_id = ask_for_sync(tools.engine, company_id, tools.clock)
    sync_with(with_hook(tools, on_request(2, tools.stopping.set)))
    tools.stopping.clear()
    clock.advance(timedelta(days=8))

    sync_with(tools)

    run = run_of(tools.engine, company_id, run_id)
    assert (run.status, run.error_code) == ("failed", "stripe_unavailable")
    assert "7 days" in run.error_detail


def test_nothing_is_read_for_a_company_that_was_disconnected(
    tools: Tools, company_id: int, stripe_server: StripeServer
) -> None:
    run_id = ask_for_sync(tools.engine, company_id, tools.clock)
    with arranging(tools.engine) as connection:
        disconnect(connection, company_id, actor="tests", now=tools.clock())

    sync_with(tools)

    assert run_of(tools.engine, company_id, run_id).status == "canceled"
    assert stripe_server.requests.seen == []


@pytest.mark.parametrize(("give_up", "fact"), [(disconnect, DISCONNECTED), (pause, PAUSED)])
def test_nothing_is_kept_once_a_company_was_disconnected_or_paused(
    give_up: Callable[..., bool], fact: str, tools: Tools, company_id: int
) -> None:
    def give_up_now() -> None:
        with arranging(tools.engine) as connection:
            assert give_up(connection, company_id, actor="tests", now=tools.clock())

    run_id = ask_for_sync(tools.engine, company_id, tools.clock)
    sync_with(with_hook(tools, on_request(4, give_up_now)))

    with tools.engine.connect() as connection:
        types = connection.scalars(text("SELECT type FROM event ORDER BY position")).all()
    assert run_of(tools.engine, company_id, run_id).status == "canceled"
    assert types[types.index(fact) + 1 :] == ["sync.finished"]


@pytest.mark.parametrize("at_request", [1, 4])
def test_a_worker_that_is_to_stop_gives_its_run_back_at_once(
    at_request: int, tools: Tools, account: Account, company_id: int
) -> None:
    run_id = ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")

    sync_with(with_hook(tools, on_request(at_request, tools.stopping.set)))

    run = run_of(tools.engine, company_id, run_id)
    assert (run.status, run.lease_until, run.crashes) == ("running", None, 0)
    tools.stopping.clear()
    assert finish_sync(tools, company_id, run_id).status == "succeeded"
    assert table_of(tools.engine, company_id) == truth_of(account)


def test_a_huge_account_gives_way_to_small_ones_and_goes_on_after_them(
    tools: Tools, account: Account, company_id: int, simulated: SimulatedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "FAIR_TURN_SECONDS", 0.2)
    monkeypatch.setattr(turns, "ASK_EVERY_SECONDS", 0.0)
    small = [simulated.create_account(f"Small {number}") for number in range(3)]
    companies = [company_with(tools.engine, each.id) for each in small]

    def ask_for_small_ones() -> None:
        for each in companies:
            ask_for_sync(tools.engine, each, tools.clock, trigger="initial")

    ask_for_sync(tools.engine, company_id, tools.clock, trigger="initial")
    hooked_tools = with_hook(tools, on_request(2, ask_for_small_ones))
    while sync_with(hooked_tools):
        pass
    with tools.engine.connect() as connection:
        order = list(
            connection.scalars(text("SELECT company_id FROM event WHERE type = 'sync.finished' ORDER BY recorded_at"))
        )

    assert sorted(order) == sorted([*companies, company_id])
    assert order[-1] == company_id
    assert table_of(tools.engine, company_id) == truth_of(account)
