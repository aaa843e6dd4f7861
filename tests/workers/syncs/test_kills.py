"""A worker may be killed at any moment: nothing is lost, nothing is told twice, and no page kept is read again."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis
from sqlalchemy import Engine, text

from backlog.syncs.requests import SyncRun, find_run
from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.doors.front import Seen
from sandbox.stripe.generate.generate import generate
from sandbox.stripe.running import Settings, StripeServer
from tests.support.clock import SetClock
from tests.support.company import company_with
from tests.support.syncs.runs import ask_for_sync
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.truth import table_of, truth_of

KILLS = int(os.environ.get("REVMAP_KILLS", "20"))
LONGEST_LIFE_SECONDS = 0.3
MOST_LIVES = 60

# A minute passes for everybody who waits, and for the lease of the dead.
PASS_A_MINUTE = (
    "UPDATE sync_segment SET not_before = not_before - interval '1 minute'",
    "UPDATE fetch_request SET due_at = due_at - interval '1 minute' WHERE answered_at IS NULL",
    "UPDATE sync_run SET due_at = due_at - interval '1 minute', lease_until = lease_until - interval '1 minute'",
    # On a busy machine many may die before they have done anything. How many may in a row is another promise.
    "UPDATE sync_run SET crashes = least(crashes, 3)",
)


class Listing(NamedTuple):
    """A page of a list, by what it comes after: an object, or a bound."""

    path: str
    after: str


class Story(NamedTuple):
    """What became of a run: how often its workers were killed, and what is wrong."""

    kills: int
    wrongs: list[str]


class Worker:
    """Lives of a worker, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def live(self, seconds: float | None) -> str:
        """Give how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(("on" if seconds is None else f"{seconds:.4f}") + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def worker(engine: Engine, redis: Redis, server: StripeServer, *, plant: str = "") -> Iterator[Worker]:
    socket = redis.connection_pool.connection_kwargs["path"]
    database_url = engine.url.render_as_string(hide_password=False)
    settings = [database_url, f"unix://{socket}", server.url, server.stripe.platform_key(livemode=True), plant]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.syncs.killed_worker", json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def slow_server(simulated: SimulatedStripe) -> Iterator[StripeServer]:
    with StripeServer(simulated, Settings(latency_ms=4)) as running:
        yield running


def new_account(simulated: SimulatedStripe, seed: int, *, invoices: int = 260) -> Account:
    account = simulated.create_account(f"Studio {seed}")
    generate(account, invoices=invoices, seed=seed, until=YESTERDAY)
    return account


def listing_of(seen: Seen) -> Listing | None:
    """Give which page was asked for; None when it was no page of a list."""
    split = urlsplit(seen.target)
    query = parse_qs(split.query)
    if split.path not in {"/v1/invoices", "/v1/customers", "/v1/events"}:
        return None
    after = query.get("starting_after") or query.get("created[lte]") or query.get("created[lt]") or ["the newest"]
    return Listing(split.path, after[0])


def still_to_read(engine: Engine, run_id: int) -> set[Listing]:
    """Give the pages that the run will ask for next, as its committed rows have it."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT resource, coalesce(cursor, oldest_created::text, created_before::text, 'the newest') AS after "
                "FROM sync_segment WHERE run_id = :id AND ended_as IS NULL"
            ),
            {"id": run_id},
        )
        return {Listing(f"/v1/{row.resource}", row.after) for row in rows}


def told_twice(engine: Engine, company_id: int) -> list[str]:
    """Give what stands in the log more than once, of an account in which nothing moved."""
    with engine.connect() as connection:
        return list(
            connection.scalars(
                text(
                    "SELECT type || ' ' || entity FROM event WHERE company_id = :id AND source = 'stripe.api' "
                    "GROUP BY type, entity HAVING count(*) > 1"
                ),
                {"id": company_id},
            )
        )


def a_minute_later(engine: Engine, company_id: int, run_id: int) -> SyncRun:
    """Give the run after a minute for whoever waits, if it has not ended."""
    with engine.begin() as connection:
        run = find_run(connection, company_id, run_id)
        assert run is not None
        if run.finished_at is None:
            for statement in PASS_A_MINUTE:
                connection.execute(text(statement))
    return run


def outlive(engine: Engine, server: StripeServer, lives: Worker, account: Account, random: Random) -> Story:
    """Kill workers at random moments until the run has ended, and look at everything that must hold."""
    company_id = company_with(engine, account.id)
    run_id = ask_for_sync(engine, company_id, SetClock(), trigger="initial")
    wrongs: list[str] = []
    fetched: set[Listing] = set()
    kept: set[Listing] = set()
    kills = 0
    run = a_minute_later(engine, company_id, run_id)
    for life in range(MOST_LIVES):
        server.requests.clear()
        ending = lives.live(random.uniform(0.0, LONGEST_LIFE_SECONDS) if life < MOST_LIVES - 5 else None)
        kills += ending == "killed"
        asked = Counter(listing for seen in list(server.requests.seen) if (listing := listing_of(seen)))
        wrongs += [f"read again in life {life}: {listing}" for listing in asked.keys() & kept]
        # That a stretch holds nothing Stripe must say twice.
        wrongs += [f"read {times} times in life {life}: {listing}" for listing, times in asked.items() if times > 2]
        fetched |= asked.keys()
        kept |= fetched - still_to_read(engine, run_id)
        run = a_minute_later(engine, company_id, run_id)
        if run.finished_at is not None:
            break
    wrongs += [f"in the log twice: {entry}" for entry in told_twice(engine, company_id)]
    if run.status != "succeeded":
        wrongs.append(f"the run ended as {run.status}: {run.error_code}, {run.reconciliation}")
    if table_of(engine, company_id) != truth_of(account):
        wrongs.append("the table is not the truth")
    return Story(kills, wrongs)


@pytest.mark.timeout(60 + 2 * KILLS)
def test_workers_that_are_killed_at_random_moments_cost_nothing(
    engine: Engine, redis: Redis, simulated: SimulatedStripe, slow_server: StripeServer
) -> None:
    random = Random(KILLS)
    kills, seed = 0, 0
    with worker(engine, redis, slow_server) as lives:
        while kills < KILLS:
            seed += 1
            story = outlive(engine, slow_server, lives, new_account(simulated, seed), random)
            kills += story.kills
            assert story.wrongs == []


@pytest.mark.parametrize(
    ("plant", "wrong"),
    [("cursor before facts", "the table is not the truth"), ("from the start", "read again in life")],
)
def test_the_kills_would_find_a_place_in_a_list_that_is_not_kept_with_what_was_read(
    plant: str, wrong: str, engine: Engine, redis: Redis, simulated: SimulatedStripe, slow_server: StripeServer
) -> None:
    found: list[str] = []
    with worker(engine, redis, slow_server, plant=plant) as lives:
        for seed in range(1, 6):
            account = new_account(simulated, seed, invoices=130)
            found += outlive(engine, slow_server, lives, account, Random(seed)).wrongs
            if found:
                break
    assert any(one.startswith(wrong) for one in found)
