"""Handle a batch that cannot be folded: its builds are set apart; the one that fails is named, rests, and halts."""

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from projections.engine.decisions import DecisionAheadError, LongDecisionError
from projections.engine.folding import Claim
from runtime.jitter import jitter
from runtime.later import later
from runtime.sqlstates import is_connection_lost, is_transient

ATTEMPTS_BEFORE_HALT = 8
# Longer than that many attempts take, which is about two minutes.
TRANSIENT_SECONDS_BEFORE_HALT = 300
_LONGEST_REST_SECONDS = 60
# If another company was folded this recently, the failure is not an outage.
_LATELY_SECONDS = 2 * _LONGEST_REST_SECONDS
_PATIENCE = {
    "halt_after": TRANSIENT_SECONDS_BEFORE_HALT,
    "lately": _LATELY_SECONDS,
    "longest_rest": _LONGEST_REST_SECONDS,
}
_TRIES_TO_RECORD = 5
_SOON_SECONDS = 1

_log = logging.getLogger(__name__)

# LEAST passes over nulls: what has begun to fail goes on failing since then.
_SET_APART = text("""
    UPDATE projection_state s SET failing_since = least(s.failing_since, statement_timestamp())
    FROM unnest(CAST(:projection AS text[]), CAST(:company_id AS bigint[]), CAST(:build AS integer[]),
                CAST(:position AS bigint[])) AS c (projection, company_id, build, position)
    WHERE s.projection = c.projection AND s.build = c.build AND s.company_id = c.company_id AND s.position = c.position
""")
_SET_ASIDE = text("""
    UPDATE projection_state SET retry_at = 'infinity'
    WHERE projection = :projection AND build = :build AND company_id = :company_id AND position = :position
""")
_FAILED = text(f"""
    UPDATE projection_state SET attempts = attempts + 1, error = :error, error_position = position + 1,
        status = CASE WHEN attempts + 1 >= :halt_after THEN 'halted' ELSE status END,
        retry_at = {later("statement_timestamp()", "power(2, attempts) * :jitter")},
        failing_since = least(failing_since, statement_timestamp()), updated_at = statement_timestamp()
    WHERE projection = :projection AND build = :build AND company_id = :company_id AND position = :position
    RETURNING status
""")  # noqa: S608 - our own words
_SECONDS_FAILING = "extract(epoch FROM n.now - coalesce(failing_since, n.now))"
_REST = f":jitter * greatest(1, least(:longest_rest, CAST({_SECONDS_FAILING} AS double precision)))"
# It rests for as long as it has been failing. While no company is folded it does not halt: an outage ends by itself.
_FAILED_TRANSIENTLY = text(f"""
    UPDATE projection_state s SET error = :error, error_position = CASE WHEN :is_one_event THEN position + 1 END,
        status = CASE WHEN n.now - failing_since > make_interval(secs => :halt_after) AND EXISTS (
            SELECT FROM projection_state o
            WHERE o.company_id <> s.company_id AND o.status = 'live' AND o.failing_since IS NULL
              AND n.now - o.updated_at < make_interval(secs => :lately)
        ) THEN 'halted' ELSE status END,
        retry_at = {later("n.now", _REST)}, failing_since = coalesce(failing_since, n.now), updated_at = n.now
    FROM (SELECT statement_timestamp() AS now) n
    WHERE projection = :projection AND build = :build AND company_id = :company_id AND position = :position
    RETURNING status
""")  # noqa: S608 - our own words


def narrow_down(engine: Engine, claims: Sequence[Claim], error: Exception, size: int, *, seconds: float) -> int:
    """Narrow a failed batch down to the event at fault; return how many events to try next, 0 to give it up. Commits.

    `size`: how many events the batch took at most; `seconds`: how long it took to fail.

    - Several builds are set apart: each is folded alone until it succeeds.
    - A build that is alone is tried with half as many events, until the event at fault is alone. It is named in the
      build's state, and the build rests for 2^attempts seconds, with jitter; after eight attempts it halts.
    - A transient error does not count as an attempt. The build rests, and halts after five minutes if others were
      folded meanwhile. If the error took long, or ended the connection, fewer events are not tried at once, and none is
      named.
    - A decision that is ahead is no failure: it is tried at once, alone. One that takes long is set aside.
    """
    if isinstance(error, LongDecisionError):
        _record(engine, error, _SET_ASIDE, claims[0]._asdict())
        return 0
    if isinstance(error, DecisionAheadError):
        return 1
    is_worth_halving = not is_transient(error) or (seconds < _SOON_SECONDS and not is_connection_lost(error))
    if len(claims) == 1 and size > 1 and is_worth_halving:
        return size // 2
    if len(claims) > 1:
        _record(engine, error, _SET_APART, {name: [getattr(one, name) for one in claims] for name in Claim._fields})
    elif is_transient(error):
        _record_alone(engine, claims[0], error, _FAILED_TRANSIENTLY, _PATIENCE | {"is_one_event": size == 1})
    else:
        _record_alone(engine, claims[0], error, _FAILED, {"halt_after": ATTEMPTS_BEFORE_HALT})
    return 0


def _record_alone(engine: Engine, claim: Claim, error: Exception, record: TextClause, by: Mapping[str, object]) -> None:
    details = {"company_id": claim.company_id, "error": _in_words(error)}
    status = _record(engine, error, record, {**claim._asdict(), **by, "error": details["error"]})
    stack = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("projection failed", extra=details | {"position": claim.position + 1, "status": status, "stack": stack})


def _record(engine: Engine, error: Exception, record: TextClause, parameters: Mapping[str, object]) -> str | None:
    """Record a failure, even one that took the server down for a moment: if not recorded, it would recur."""
    for attempt in range(1, _TRIES_TO_RECORD + 1):
        try:
            with engine.begin() as connection:
                recorded = connection.execute(record, {"jitter": jitter(0.75, 1.25), **parameters})
                return recorded.scalar() if recorded.returns_rows else None
        except SQLAlchemyError as another:
            if attempt == _TRIES_TO_RECORD or not (is_connection_lost(error) and is_transient(another)):
                raise
            time.sleep(1)  # noqa: TID251 - without the database there is nothing else to do
    raise AssertionError("unreachable")


def _in_words(error: Exception) -> str:
    # The place and the kind of the error, not its message, which may quote a customer's name.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    origin = getattr(error, "orig", error)
    message = origin.diag.message_primary if isinstance(origin, psycopg.Error) else None
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}" + (f": {message}" if message else "")
