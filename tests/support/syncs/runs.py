"""Small things that tests of syncs hold: a run asked for, time that passes for the database, a run seen to its end."""

from datetime import timedelta

from redis import Redis
from sqlalchemy import Engine, text

from backlog.syncs.requests import SyncRun, find_run, request_sync
from runtime.clock import Clock
from tests.support.clock import SetClock
from workers.jobs import sync_with
from workers.wiring.tools import Tools

MOST_TURNS = 200


def ask_for_sync(engine: Engine, company_id: int, clock: Clock, *, trigger: str = "manual") -> int:
    """Give the id of a new run."""
    with engine.begin() as connection:
        run = request_sync(connection, company_id, trigger=trigger, actor="tests", now=clock())
    return int(run.id)


def let_waits_pass(engine: Engine) -> None:
    """Make due what rests, as if the time had passed."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE sync_segment SET not_before = NULL"))
        connection.execute(text("UPDATE fetch_request SET due_at = clock_timestamp() WHERE answered_at IS NULL"))
        connection.execute(
            text("UPDATE sync_run SET due_at = clock_timestamp(), lease_until = NULL WHERE status = 'running'")
        )


def let_buckets_empty(redis: Redis) -> None:
    """Forget what was asked and what Stripe held up, as if the time had passed."""
    for key in redis.scan_iter("revmap:rate:*"):
        redis.delete(key)


def finish_sync(tools: Tools, company_id: int, run_id: int) -> SyncRun:
    """Work on a run, whatever it has to wait for, until it has ended."""
    for _ in range(MOST_TURNS):
        sync_with(tools)
        with tools.engine.connect() as connection:
            run = find_run(connection, company_id, run_id)
        assert run is not None
        if run.finished_at is not None:
            return run
        let_waits_pass(tools.engine)
        let_buckets_empty(tools.redis)
        if isinstance(tools.clock, SetClock):
            tools.clock.pass_by(timedelta(seconds=2))
    message = f"the run does not end in {MOST_TURNS} turns"
    raise AssertionError(message)


def sync(tools: Tools, company_id: int, *, trigger: str = "manual") -> SyncRun:
    """Run a sync from its request to its end."""
    return finish_sync(tools, company_id, ask_for_sync(tools.engine, company_id, tools.clock, trigger=trigger))
