"""The jobs that the queues call. A job takes no arguments, finds its work in the database, and is safe to repeat."""

import time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from backlog.fetch_requests import request_gaps
from backlog.fetches import FetchRequest, claim_due, note_answered, note_failure, put_back
from backlog.jobs import FETCH, PREVIEW, PROJECTION, SYNC
from backlog.queues import acknowledge, wake, wake_if_possible
from events.connection.lifecycle import lock_if_connected
from projections.builds.rebuild import Chunk, build_on
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import Advanced, advance
from projections.engine.statistics import learn_new_tables
from runtime.sqlstates import is_outage
from stripe_gateway.client import Tally
from stripe_gateway.objects import fetch
from stripe_gateway.refusals import StripeAnswerError
from workers.syncs.answers import keep_answer
from workers.syncs.changes import count
from workers.syncs.failures import note_fetch_failure
from workers.syncs.leases import claim_run
from workers.syncs.turns import take_turn
from workers.wiring.tools import Tools, current_tools

# A job that runs longer wakes its successor and ends, so that a shutdown never waits for it.
_LONGEST_SECONDS = 5.0
# How long to wait for more after a batch: the larger it was, the more are on their way, and the more is saved.
_PAUSE_SECONDS_PER_EVENT = 0.002
_LONGEST_PAUSE_SECONDS = 0.05
_LARGE_BATCH_EVENTS = 1000
# Autovacuum looks at the tables about once a minute; fewer events make no difference by then.
_WORTH_ANALYZING_EVENTS = 500
# A paused connection is checked again after this long.
_PAUSED_SECONDS = 600.0


def catch_up_projections() -> int:
    """Fold new events for every company that is behind; return the number of events folded."""
    return catch_up_with(current_tools())


def fetch_what_is_due() -> int:
    """Fetch what the table lacks from Stripe, as facts for the log; return how many requests were answered."""
    return fetch_with(current_tools())


def sync_what_is_due() -> int:
    """Work on the syncs that are due; return the number of turns they took."""
    return sync_with(current_tools())


def catch_up_with(tools: Tools) -> int:
    """Fold until no company is behind or the time is up; request what the tables lack. Commits batch by batch.

    After a small batch it waits a moment for more, because a batch costs about as much as ten events.
    """
    acknowledge(tools.redis, PROJECTION)
    deadline = time.monotonic() + _LONGEST_SECONDS
    folded = 0
    while advanced := advance(tools.engine, leaves_long=True) or _build(tools.engine):
        if not advanced.event_count:
            # Maybe it was set aside.
            wake(tools.redis, PREVIEW)
        folded += advanced.event_count
        _request_what_is_missing(tools, sorted(advanced.lacking))
        if time.monotonic() > deadline:
            wake(tools.redis, PROJECTION)
            break
        if advanced.event_count < _LARGE_BATCH_EVENTS:
            tools.pause(min(_LONGEST_PAUSE_SECONDS, _PAUSE_SECONDS_PER_EVENT * advanced.event_count))
    if folded > _WORTH_ANALYZING_EVENTS:
        learn_new_tables(tools.engine)
    return folded


def fetch_with(tools: Tools) -> int:
    """Fetch until nothing is due or the time is up. Commits answer by answer."""
    acknowledge(tools.redis, FETCH)
    deadline = time.monotonic() + _LONGEST_SECONDS
    fetched = 0
    while requests := claim_due(tools.engine):
        fetched += sum(_is_fetched(tools, request) for request in requests)
        if time.monotonic() > deadline:
            wake(tools.redis, FETCH)
            break
    if fetched:
        wake(tools.redis, PROJECTION)
    return fetched


def sync_with(tools: Tools) -> int:
    """Take a turn at each run that is due until none is or the time is up; return the number of turns. Commits."""
    acknowledge(tools.redis, SYNC)
    deadline = time.monotonic() + _LONGEST_SECONDS
    turns = 0
    while not tools.stopping.is_set() and (lease := claim_run(tools.engine, now=tools.clock())):
        take_turn(tools, lease)
        turns += 1
        if time.monotonic() > deadline:
            wake_if_possible(tools.redis, SYNC)
            break
    return turns


def _build(engine: Engine) -> Advanced | Chunk | None:
    if not begin_lacking_builds(engine):
        return None
    return advance(engine, leaves_long=True) or build_on(engine, is_automatic=True)


def _is_fetched(tools: Tools, request: FetchRequest) -> bool:
    if request.account is None:
        return _is_put_off(tools, request)
    tally = Tally()
    try:
        facts = fetch(tools.stripe, request.account, request.kind, request.object_id, tally)
        requests, rate_limited = tally.take()
        with tools.engine.begin() as connection:
            is_connected = lock_if_connected(connection, request.company_id, request.account.account_id)
            if is_connected:
                count(connection, request.company_id, requests=requests, rate_limited=rate_limited)
                keep_answer(connection, request.account, request.company_id, facts)
                note_answered(connection, request)
    except StripeAnswerError as error:
        note_fetch_failure(tools.engine, request, error)
        return False
    except DBAPIError as error:
        if is_outage(error):
            raise
        # A log that refuses events or is locked concerns one company: the next one need not wait for it.
        note_failure(tools.engine, request, f"the answer could not be kept: {type(error).__name__}")
        return False
    return is_connected or _is_put_off(tools, request)


def _is_put_off(tools: Tools, request: FetchRequest) -> bool:
    put_back(tools.engine, request, "the company's connection is paused, or over", seconds=_PAUSED_SECONDS)
    return False


def _request_what_is_missing(tools: Tools, company_ids: list[int]) -> None:
    if company_ids and request_gaps(tools.engine, company_ids=company_ids):
        wake(tools.redis, FETCH)
