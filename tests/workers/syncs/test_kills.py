"""A worker may be killed at any moment: nothing is lost or logged twice, and no committed page is read again."""

import json
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
from tests.support.promises import Trials
from tests.support.syncs.accounts import YESTERDAY
from tests.support.syncs.runs import ask_for_sync
from tests.support.syncs.truth import table_of, truth_of

MOST_SECONDS_TO_LIVE = 0.3
MOST_WORKERS = 60

# Lets a minute pass for everything that waits, and for the leases of killed workers.
PASS_A_MINUTE = (
    "UPDATE sync_segment SET not_before = not_before - interval '1 minute'",
    "UPDATE fetch_request SET due_at = due_at - interval '1 minute' WHERE answered_at IS NULL",
    "UPDATE sync_run SET due_at = due_at - interval '1 minute', lease_until = lease_until - interval '1 minute'",
    # On a busy machine many workers are killed before they did anything. The limit on crashes is tested elsewhere.
    "UPDATE sync_run SET crashes = least(crashes, 3)",
)


class Listing(NamedTuple):
    """A page of a list, identified by the cursor or the creation time that it comes after."""

    path: str
    after: str


class Outcome(NamedTuple):
    """How often a run's workers were killed, and the faults found."""

    kills: int
    faults: list[str]


class Worker:
    """A process that runs one worker after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, seconds: float | None) -> str:
        """Run a worker, kill it after so many seconds unless None, and return `killed` or its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(("on" if seconds is None else f"{seconds:.4f}") + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def running_worker(engine: Engine, redis: Redis, server: StripeServer, *, mistake: str = "") -> Iterator[Worker]:
    socket = redis.connection_pool.connection_kwargs["path"]
    database_url = engine.url.render_as_string(hide_password=False)
    settings = [database_url, f"unix://{socket}", server.url, server.stripe.platform_key(livemode=True), mistake]
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
    """Return which page was requested, or None if it was not a page of a list."""
    split = urlsplit(seen.target)
    query = parse_qs(split.query)
    if split.path not in {"/v1/invoices", "/v1/customers", "/v1/events"}:
        return None
    after = query.get("starting_after") or query.get("created[lte]") or query.get("created[lt]") or ["the newest"]
    return Listing(split.path, after[0])


def still_to_read(engine: Engine, run_id: int) -> set[Listing]:
    """Return the pages that the run will request next, according to its committed rows."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT resource, coalesce(cursor, oldest_created::text, created_before::text, 'the newest') AS after "
                "FROM sync_segment WHERE run_id = :id AND ended_as IS NULL"
            ),
            {"id": run_id},
        )
        return {Listing(f"/v1/{row.resource}", row.after) for row in rows}


def duplicates_in_log(engine: Engine, company_id: int) -> list[str]:
    """Return what is in the log more than once, for an account in which nothing changed."""
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


def pass_a_minute(engine: Engine, company_id: int, run_id: int) -> SyncRun:
    """Return the run, and let a minute pass for everything that waits unless the run has ended."""
    with engine.begin() as connection:
        run = find_run(connection, company_id, run_id)
        assert run is not None
        if run.finished_at is None:
            for statement in PASS_A_MINUTE:
                connection.execute(text(statement))
    return run


def sync_with_kills(engine: Engine, server: StripeServer, worker: Worker, account: Account, random: Random) -> Outcome:
    """Kill workers at random moments until the run has ended, and check everything that must be true."""
    company_id = company_with(engine, account.id)
    run_id = ask_for_sync(engine, company_id, SetClock(), trigger="initial")
    faults: list[str] = []
    fetched: set[Listing] = set()
    kept: set[Listing] = set()
    kills = 0
    run = pass_a_minute(engine, company_id, run_id)
    for number in range(MOST_WORKERS):
        server.requests.clear()
        ending = worker.run(random.uniform(0.0, MOST_SECONDS_TO_LIVE) if number < MOST_WORKERS - 5 else None)
        kills += ending == "killed"
        requested = Counter(listing for seen in list(server.requests.seen) if (listing := listing_of(seen)))
        faults += [f"read again by worker {number}: {listing}" for listing in requested.keys() & kept]
        # A stretch of time without objects is requested twice.
        faults += [
            f"read {times} times by worker {number}: {listing}" for listing, times in requested.items() if times > 2
        ]
        fetched |= requested.keys()
        kept |= fetched - still_to_read(engine, run_id)
        run = pass_a_minute(engine, company_id, run_id)
        if run.finished_at is not None:
            break
    faults += [f"in the log twice: {entry}" for entry in duplicates_in_log(engine, company_id)]
    if run.status != "succeeded":
        faults.append(f"the run ended as {run.status}: {run.error_code}, {run.reconciliation}")
    if table_of(engine, company_id) != truth_of(account):
        faults.append("the table is not the truth")
    return Outcome(kills, faults)


@pytest.mark.promise("SIGKILL of syncs at any moment: nothing lost, logged twice or read again", trials=(4, 60))
def test_workers_that_are_killed_at_random_moments_cost_nothing(
    engine: Engine, redis: Redis, simulated: SimulatedStripe, slow_server: StripeServer, trials: Trials
) -> None:
    random = Random(trials.seed)
    kills, seed = 0, 0
    with running_worker(engine, redis, slow_server) as worker:
        while kills < trials.count:
            seed += 1
            outcome = sync_with_kills(engine, slow_server, worker, new_account(simulated, seed), random)
            kills += outcome.kills
            assert outcome.faults == []


@pytest.mark.parametrize(
    ("mistake", "fault"),
    [
        pytest.param(
            "cursor before facts",
            "the table is not the truth",
            marks=pytest.mark.planted("a page's place is committed before its facts (killed syncs)", trials=(0, 1)),
        ),
        pytest.param(
            "from the start",
            "read again by worker",
            marks=pytest.mark.planted("a sync that goes on begins again (killed syncs)", trials=(0, 1)),
        ),
    ],
)
def test_the_kills_would_find_a_place_in_a_list_that_is_not_kept_with_what_was_read(
    mistake: str, fault: str, engine: Engine, redis: Redis, simulated: SimulatedStripe, slow_server: StripeServer
) -> None:
    found: list[str] = []
    with running_worker(engine, redis, slow_server, mistake=mistake) as worker:
        for seed in range(1, 6):
            account = new_account(simulated, seed, invoices=130)
            found += sync_with_kills(engine, slow_server, worker, account, Random(seed)).faults
            if found:
                break
    assert any(one.startswith(fault) for one in found)
