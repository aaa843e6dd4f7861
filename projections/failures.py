"""What happens when an event cannot be folded: it is named, its company rests or halts, and nobody else notices."""

import logging
import traceback
from pathlib import Path

import psycopg
from sqlalchemy import Engine, text

from projections.folding import Claim

ATTEMPTS_BEFORE_HALT = 8

_log = logging.getLogger(__name__)

_FAILED = text("""
    UPDATE projection_state SET attempts = attempts + 1, error = :error, error_position = :error_position,
        status = CASE WHEN attempts + 1 >= :halt_after THEN 'halted' ELSE status END,
        retry_at = clock_timestamp() + make_interval(secs => power(2, attempts) * (0.75 + random() / 2)),
        updated_at = clock_timestamp()
    WHERE projection = :projection AND build = :build AND company_id = :company_id AND position = :position
    RETURNING status
""")


def record_failure(engine: Engine, claim: Claim, error: Exception) -> None:
    """Note that the event after the claim's position could not be folded. Commits.

    The company rests for 2^attempts seconds, with jitter; after eight attempts it halts.
    """
    position = claim.position + 1
    told = {"company_id": claim.company_id, "error": _in_words(error)}
    with engine.begin() as connection:
        status = connection.execute(
            _FAILED,
            told
            | {
                "projection": claim.projection,
                "build": claim.build,
                "position": claim.position,
                "error_position": position,
                "halt_after": ATTEMPTS_BEFORE_HALT,
            },
        ).scalar()
    stack = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("projection failed", extra=told | {"position": position, "status": status, "stack": stack})


def _in_words(error: Exception) -> str:
    # Where, and what kind; not the message itself, which may quote what a customer is called.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    origin = getattr(error, "orig", error)
    said = origin.diag.message_primary if isinstance(origin, psycopg.Error) else None
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}" + (f": {said}" if said else "")
