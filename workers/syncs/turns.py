"""Take a turn at a run: read, fold, prove, and end the run, or release it for the next turn."""

import logging
import time
from datetime import timedelta

from sqlalchemy import Connection, text

from backlog.fetch_requests import request_gaps
from backlog.fetches import PATIENT_ATTEMPTS, latest_answer, open_fetches
from events.connection.accounts import connection_state
from events.log.read import head_of
from notices.connections import lose_access
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from projections.revenue.fold import NAME
from workers.syncs.endings import Ending, finish
from workers.syncs.failures import RunFailedError
from workers.syncs.layout import open_segments
from workers.syncs.leases import CancelRequestedError, Lease, LeaseLostError, held, is_any_run_due, release
from workers.syncs.proving import prove_or_repair
from workers.syncs.reading import Reading
from workers.syncs.segments import halve_pages, seconds_of_rest, unread_segments
from workers.wiring.tools import Tools

# A run is released after the first if others are waiting, and after the second in any case.
FAIR_TURN_SECONDS = 5.0
LONGEST_TURN_SECONDS = 40.0
ASK_EVERY_SECONDS = 1.0

_LONGEST_REST_SECONDS = 30.0
_CRASHES_THAT_HALVE_PAGES = 2
_MOST_CRASHES = 12
# Stripe can postpone a run again and again; at its rate limit this is enough time for any account.
_LONGEST_RUN = timedelta(days=7)
# What another worker is fetching under its own lease is checked again soon.
_LOOK_AGAIN_SECONDS = 2.0
# Another worker's lease may take a minute to expire; what is due later than that was answered before.
_WORTH_WAITING_SECONDS = 65.0
_CATCH_UP_PAUSE_SECONDS = 0.05
_HEARTBEAT_SECONDS = 5.0

_ENTER = text("UPDATE sync_run SET phase = :phase WHERE id = :id AND phase <> :phase")
_STANDING = text("""
    SELECT s.status, s.position FROM projection_active a
    JOIN projection_state s ON s.projection = a.projection AND s.build = a.build AND s.company_id = a.company_id
    WHERE a.projection = :projection AND a.company_id = :company_id
""")

_log = logging.getLogger(__name__)


class Turn:
    """Limits the work on one run: until the process should stop, or others wait and this one had its share."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._started = self._checked = time.monotonic()

    def is_over(self) -> bool:
        """Return whether the run should be released now."""
        now = time.monotonic()
        if self._tools.stopping.is_set() or now - self._started > LONGEST_TURN_SECONDS:
            return True
        if now - self._started < FAIR_TURN_SECONDS or now - self._checked < ASK_EVERY_SECONDS:
            return False
        self._checked = now
        with self._tools.engine.connect() as connection:
            return is_any_run_due(connection)


def take_turn(tools: Tools, lease: Lease) -> None:
    """Work on a run until it has ended, has to wait, or its turn is over. Commits page by page."""
    try:
        _work_or_end(tools, lease)
    except LeaseLostError:
        _log.warning("lease lost", extra={"run_id": lease.run_id, "epoch": lease.epoch})


def _work_or_end(tools: Tools, lease: Lease) -> None:
    try:
        wait_seconds = _work_on(tools, lease, Turn(tools))
    except CancelRequestedError:
        _end(tools, lease, Ending("canceled"))
    except RunFailedError as failure:
        _log.error("sync failed", extra={"run_id": lease.run_id, "code": failure.code, "error": str(failure)})
        _end(tools, lease, Ending("failed", error=(failure.code, str(failure))))
    else:
        if wait_seconds is not None:
            release(tools.engine, lease, for_seconds=wait_seconds, waits_for="stripe" if wait_seconds else None)


def _work_on(tools: Tools, lease: Lease, turn: Turn) -> float | None:
    """Return the seconds after which to continue, or None if the run has ended."""
    _open(tools, lease)
    while not turn.is_over():
        Reading(tools, lease).read_until(turn.is_over)
        if turn.is_over():
            break
        with held(tools.engine, lease) as connection:
            wait_seconds = _seconds_to_wait(connection, lease)
            if wait_seconds is None:
                connection.execute(_ENTER, {"id": lease.run_id, "phase": "fetching"})
        if wait_seconds is not None:
            return wait_seconds
        position = _settled_at(tools, lease, turn)
        if position is not None and prove_or_repair(tools, lease, position):
            return None
    return 0.0


def _open(tools: Tools, lease: Lease) -> None:
    if lease.crashes >= _MOST_CRASHES:
        raise RunFailedError("worker_crashed", f"{lease.crashes} workers in a row ended while they read")
    if tools.clock() - lease.started_at > _LONGEST_RUN:
        raise RunFailedError("stripe_unavailable", f"not read to its end within {_LONGEST_RUN.days} days")
    with held(tools.engine, lease) as connection:
        state = connection_state(connection, lease.company_id)
        if state is None or state.status != "connected" or state.account != lease.account:
            raise CancelRequestedError
        open_segments(connection, lease, now=tools.clock())
        if lease.crashes >= _CRASHES_THAT_HALVE_PAGES:
            halve_pages(connection, lease)


def _seconds_to_wait(connection: Connection, lease: Lease) -> float | None:
    """Return the seconds until there is more to read, or None if everything that can be read has been."""
    if unread_segments(connection, lease):
        return min(_LONGEST_REST_SECONDS, seconds_of_rest(connection, lease))
    open_ones = open_fetches(connection, lease.company_id, livemode=lease.account.livemode)
    patient = [one for one in open_ones if one.attempts < PATIENT_ATTEMPTS]
    if any(one.due_in_seconds <= _WORTH_WAITING_SECONDS for one in patient):
        return max(0.0, min(_LOOK_AGAIN_SECONDS, *(one.due_in_seconds for one in patient)))
    # Requests that Stripe postponed for longer are waited for as well: they were never answered.
    return _LONGEST_REST_SECONDS if any(one.error is not None for one in patient) else None


def _settled_at(tools: Tools, lease: Lease, turn: Turn) -> int | None:
    """Return the position at which the table has folded all that was read and lacks nothing; None if not yet."""
    with tools.engine.connect() as connection:
        head = head_of(connection, lease.company_id)
    if not _caught_up(tools, lease, turn, head) or request_gaps(tools.engine, company_ids=[lease.company_id]):
        return None
    # Other workers fetch, too: wait for what they request meanwhile, and fold the answers they received first.
    with held(tools.engine, lease) as connection:
        answered = latest_answer(connection, lease.company_id)
        return head if answered <= head and _seconds_to_wait(connection, lease) is None else None


def _caught_up(tools: Tools, lease: Lease, turn: Turn, head: int) -> bool:
    """Fold the log up to this position; return whether that was done before the turn was over."""
    begin_lacking_builds(tools.engine)
    last_heartbeat = time.monotonic()
    while not turn.is_over():
        with tools.engine.connect() as connection:
            state = connection.execute(_STANDING, {"projection": NAME, "company_id": lease.company_id}).one()
        if state.position >= head:
            return True
        if state.status == "halted":
            raise RunFailedError("projection_halted", "the table does not take in the log")
        if time.monotonic() - last_heartbeat > _HEARTBEAT_SECONDS:
            last_heartbeat = time.monotonic()
            with held(tools.engine, lease):
                pass
        if not advance(tools.engine):
            tools.pause(_CATCH_UP_PAUSE_SECONDS)
    return False


def _end(tools: Tools, lease: Lease, ending: Ending) -> None:
    now = tools.clock()
    with tools.engine.begin() as connection:
        if ending.error is not None and ending.error[0] == "account_access_lost":
            lose_access(connection, lease.company_id, reason="stripe_refusal", occurred_at=now, now=now)
        finish(connection, lease, ending, now=now, period_seconds=tools.sync_period_seconds)
