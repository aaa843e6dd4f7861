"""Attempts to connect at Stripe: a random state, valid once, for ten minutes, for the user who started with it."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from tenants.tables import connect_attempt

LASTS = timedelta(minutes=10)

_STATE_BYTES = 32
# The outcome of an attempt is kept for as long as somebody may come back to it.
_KEPT_FOR = timedelta(days=30)

AttemptMethod = Literal["connect", "app"]
# Unknown: Stripe did not answer and may or may not have connected the account.
Outcome = Literal["connected", "refused", "failed", "unknown"]


class UnknownStateError(Exception):
    """Nobody started an attempt with this state, or it has expired."""


class ForeignStateError(Exception):
    """Another user or another session started the attempt with this state."""


class UsedStateError(Exception):
    """The state was used before. `is_well`: it connected the account, or is about to."""

    def __init__(self, *, is_well: bool) -> None:
        super().__init__(is_well)
        self.is_well = is_well


class Attempt(NamedTuple):
    """An attempt to connect an account to a company."""

    state_sha256: bytes
    company_id: int
    method: AttemptMethod


class _AttemptRow(NamedTuple):
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
    """Start an attempt and return its state, 256 random bits. Commits nothing."""
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
    """Return the company that an attempt with this state is for, or None if there is none. Consumes nothing."""
    row = _find(connection, state)
    return row.company_id if row else None


def consume_state(
    connection: Connection, state: str, *, user_id: int, session_id: int, method: AttemptMethod, now: datetime
) -> Attempt:
    """Consume a state; of several concurrent calls only one succeeds. The caller commits at once.

    :raises UnknownStateError: it is unknown, of another method, or older than ten minutes
    :raises ForeignStateError: it belongs to another session or another user
    :raises UsedStateError: it was consumed before
    """
    row = _find(connection, state)
    if row is None or row.method != method:
        raise UnknownStateError
    if (row.user_id, row.session_id) != (user_id, session_id):
        raise ForeignStateError
    if row.consumed_at is None and row.expires_at <= now:
        raise UnknownStateError
    consumed = connection.execute(
        update(connect_attempt)
        .where(connect_attempt.c.state_sha256 == _hash(state), connect_attempt.c.consumed_at.is_(None))
        .values(consumed_at=now)
        .returning(connect_attempt.c.company_id)
    ).one_or_none()
    if consumed is None:
        row = _find(connection, state)
        raise UsedStateError(is_well=row is not None and row.outcome in (None, "connected"))
    return Attempt(_hash(state), consumed.company_id, method)


def note_outcome(connection: Connection, attempt: Attempt, outcome: Outcome) -> None:
    """Record the outcome of an attempt. Commits nothing."""
    connection.execute(
        update(connect_attempt).where(connect_attempt.c.state_sha256 == attempt.state_sha256).values(outcome=outcome)
    )


def _find(connection: Connection, state: str) -> _AttemptRow | None:
    row = connection.execute(
        select(*(connect_attempt.c[name] for name in _AttemptRow._fields)).where(
            connect_attempt.c.state_sha256 == _hash(state)
        )
    ).one_or_none()
    return _AttemptRow(*row) if row else None


def _hash(state: str) -> bytes:
    return sha256(state.encode("utf-8", "surrogateescape")).digest()
