"""The way to Stripe's page and back: a random state, good once, for ten minutes, for the one who set out with it."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from tenants.tables import connect_attempt

LASTS = timedelta(minutes=10)

_STATE_BYTES = 32
# What became of an attempt is kept for as long as somebody may come back to it.
_KEPT_FOR = timedelta(days=30)

AttemptMethod = Literal["connect", "app"]
# Unknown: Stripe did not answer, and may have connected the account or not.
Outcome = Literal["connected", "refused", "failed", "unknown"]


class UnknownStateError(Exception):
    """Nobody set out with this state, or too long ago."""


class ForeignStateError(Exception):
    """Somebody else, or another session, set out with this state."""


class UsedStateError(Exception):
    """The state came back before. `is_well`: it connected the account, or is about to."""

    def __init__(self, *, is_well: bool) -> None:
        super().__init__(is_well)
        self.is_well = is_well


class Attempt(NamedTuple):
    """Somebody's way to connect an account to a company."""

    state_sha256: bytes
    company_id: int
    method: AttemptMethod


class _Held(NamedTuple):
    company_id: int
    user_id: int
    session_id: int
    method: str
    expires_at: datetime
    consumed_at: datetime | None
    outcome: str | None


def start_attempt(
    connection: Connection, company_id: int, *, user_id: int, session_id: int, method: AttemptMethod, now: datetime
) -> str:
    """Give a new state of 256 random bits. Commits nothing."""
    state = secrets.token_urlsafe(_STATE_BYTES)
    connection.execute(delete(connect_attempt).where(connect_attempt.c.expires_at < now - _KEPT_FOR))
    connection.execute(
        insert(connect_attempt).values(
            state_sha256=_hash(state),
            company_id=company_id,
            user_id=user_id,
            session_id=session_id,
            method=method,
            started_at=now,
            expires_at=now + LASTS,
        )
    )
    return state


def company_of_state(connection: Connection, state: str) -> int | None:
    """Tell for which company somebody set out with a state; None when nobody did. Consumes nothing."""
    row = _held(connection, state)
    return row.company_id if row else None


def consume_state(
    connection: Connection, state: str, *, user_id: int, session_id: int, method: AttemptMethod, now: datetime
) -> Attempt:
    """Take a state, so that nobody else can: of many who come at once, one gets it. The caller commits at once.

    :raises UnknownStateError: it is nobody's, of another way to connect, or older than ten minutes
    :raises ForeignStateError: it is another session's or somebody else's
    :raises UsedStateError: it was taken before
    """
    row = _held(connection, state)
    if row is None or row.method != method:
        raise UnknownStateError
    if (row.user_id, row.session_id) != (user_id, session_id):
        raise ForeignStateError
    if row.consumed_at is None and row.expires_at <= now:
        raise UnknownStateError
    taken = connection.execute(
        update(connect_attempt)
        .where(connect_attempt.c.state_sha256 == _hash(state), connect_attempt.c.consumed_at.is_(None))
        .values(consumed_at=now)
        .returning(connect_attempt.c.company_id)
    ).one_or_none()
    if taken is None:
        row = _held(connection, state)
        raise UsedStateError(is_well=row is not None and row.outcome in (None, "connected"))
    return Attempt(_hash(state), taken.company_id, method)


def note_outcome(connection: Connection, attempt: Attempt, outcome: Outcome) -> None:
    """Note what became of an attempt. Commits nothing."""
    connection.execute(
        update(connect_attempt).where(connect_attempt.c.state_sha256 == attempt.state_sha256).values(outcome=outcome)
    )


def _held(connection: Connection, state: str) -> _Held | None:
    row = connection.execute(
        select(*(connect_attempt.c[name] for name in _Held._fields)).where(
            connect_attempt.c.state_sha256 == _hash(state)
        )
    ).one_or_none()
    return _Held(*row) if row else None


def _hash(state: str) -> bytes:
    return sha256(state.encode("utf-8", "surrogateescape")).digest()
