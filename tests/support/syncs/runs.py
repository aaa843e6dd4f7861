"""Request sync runs, skip their waits, and work on them until they end."""

from datetime import timedelta

from redis import Redis
from sqlalchemy import Engine, text

from backlog.syncs.requests import SyncRun, find_run, request_sync
from runtime.clock import Clock
from tests.support.clock import SetClock
from workers.jobs import sync_with
from workers.wiring.tools import Tools

MAX_TURNS = 200


def ask_for_sync(engine: Engine, company_id: int, clock: Clock, *, trigger: str = "manual") -> int:
    """Request a run, and return its id."""
    with engine.begin() as connection:
        run = request_sync(connection, company_id, trigger=trigger, actor="tests", now=clock())
    return int(run.id)


def skip_waits(engine: Engine) -> None:
    """Make everything that waits due now, as if the time had passed."""
    with engine.begin() as connection:
        # In the order in which a worker locks them, who may be at work.
        connection.execute(
            text("UPDATE sync_run SET due_at = clock_timestamp(), lease_until = NULL WHERE status = 'running'")
        )
        connection.execute(text("UPDATE sync_segment SET not_before = NULL"))
        connection.execute(text("UPDATE fetch_request SET due_at = clock_timestamp() WHERE answered_at IS NULL"))


def reset_rate_limits(redis: Redis) -> None:
    """Delete the counts of requests and the holds that Stripe asked for, as if the time had passed."""
    for key in redis.scan_iter("revmap:rate:*"):
        redis.delete(key)


def finish_sync(tools: Tools, company_id: int, run_id: int) -> SyncRun:
    """Work on a run until it ends, skipping every wait, and return it."""
    for _ in range(MAX_TURNS):
        sync_with(tools)
        with tools.engine.connect() as connection:
            run = find_run(connection, company_id, run_id)
        assert run is not None
        if run.finished_at is not None:
            return run
        skip_waits(tools.engine)
        reset_rate_limits(tools.redis)
        if isinstance(tools.clock, SetClock):
            tools.clock.advance(timedelta(seconds=2))
    message = f"the run does not end in {MAX_TURNS} turns"
    raise AssertionError(message)


def sync(tools: Tools, company_id: int, *, trigger: str = "manual") -> SyncRun:
    """Request a sync, work on it until it ends, and return its run."""
    return finish_sync(tools, company_id, ask_for_sync(tools.engine, company_id, tools.clock, trigger=trigger))
