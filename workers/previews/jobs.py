"""The job that works on what takes long about mapping: previews, and decisions about tables with many lines.

It takes no arguments, finds its work in the database, and is safe to repeat.
"""

import logging
import time

from sqlalchemy.exc import DBAPIError

from backlog.jobs import PREVIEW, PROJECTION
from backlog.queues import acknowledge, wake_if_possible
from mapping.preview_turns import MOST_ATTEMPTS, Turn, TurnLostError, claim_turn, end_turn, put_off
from mapping.publishing import Outcome, Work, take_turn
from projections.engine.catch_up import advance_set_aside
from runtime.sqlstates import is_outage
from workers.wiring.tools import Tools, current_tools

# A job that runs longer wakes its successor and ends, so that a shutdown never waits for it.
_LONGEST_SECONDS = 5.0
# The table is behind the log by moments, or is being rebuilt: then the clock's sweep wakes the worker again.
_NOT_YET_SECONDS = 0.2
_MOST_WAITS = 5
_GIVEN_UP = "It could not be worked out. Try again; if it fails again, ask your operator."

_log = logging.getLogger(__name__)


def preview_what_is_due() -> int:
    """Evaluate and publish the previews that wait; return the number of turns."""
    return preview_with(current_tools())


def preview_with(tools: Tools) -> int:
    """Fold long decisions, and take a turn at each preview that waits until none does or the time is up.

    Return how many previews got on. Commits.
    """
    acknowledge(tools.redis, PREVIEW)
    deadline = time.monotonic() + _LONGEST_SECONDS
    done = waits = 0
    while advance_set_aside(tools.engine):
        wake_if_possible(tools.redis, PROJECTION)
    has_put_off = False
    while time.monotonic() < deadline and not tools.stopping.is_set():
        turn = claim_turn(tools.engine)
        if turn is not None:
            is_taken = _is_taken(tools, turn)
            done, has_put_off = done + is_taken, has_put_off or not is_taken
        elif has_put_off and waits < _MOST_WAITS:
            waits += 1
            tools.pause(_NOT_YET_SECONDS)
        else:
            return done
    wake_if_possible(tools.redis, PREVIEW)
    return done


def _is_taken(tools: Tools, turn: Turn) -> bool:
    if turn.attempts > MOST_ATTEMPTS:
        end_turn(tools.engine, turn, "failed", now=tools.clock(), failure=_GIVEN_UP)
        return True
    try:
        outcome = take_turn(Work(tools.engine, tools.clock, tools.stopping.is_set), turn)
    except TurnLostError:
        return True
    except DBAPIError as error:
        if is_outage(error):
            raise
        # Its lease runs out, and it is tried again: others need not wait for it.
        _log.warning("preview not worked out", extra={"preview_id": turn.id, "error": type(error).__name__})
        return True
    if outcome is Outcome.NOT_YET:
        put_off(tools.engine, turn, seconds=_NOT_YET_SECONDS)
    elif outcome is Outcome.STALE:
        end_turn(tools.engine, turn, "stale", now=tools.clock())
    if outcome is Outcome.NOT_YET or turn.status == "publishing":
        wake_if_possible(tools.redis, PROJECTION)
    return outcome is not Outcome.NOT_YET
