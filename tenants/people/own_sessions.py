"""Sessions as their owners see and end them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from tenants.people.sessions import IDLE
from tenants.tables import user_session


class OwnSession(NamedTuple):
    """A session as its owner sees it. `device` is what the browser said of itself when they signed in."""

    id: int
    device: str | None
    created_at: datetime
    last_used_at: datetime


def list_sessions(connection: Connection, user_id: int, *, now: datetime) -> list[OwnSession]:
    """Return a user's sessions that have not ended, the last used first."""
    rows = connection.execute(
        select(*(user_session.c[name] for name in OwnSession._fields))
        .where(
            user_session.c.user_id == user_id,
            user_session.c.expires_at > now,
            user_session.c.last_used_at > now - IDLE,
        )
        .order_by(user_session.c.last_used_at.desc(), user_session.c.id.desc())
    )
    return [OwnSession(*row) for row in rows]


def end_own_session(connection: Connection, user_id: int, session_id: int) -> None:
    """End one of a user's sessions, if it is theirs. Commits nothing; safe to repeat."""
    connection.execute(delete(user_session).where(user_session.c.id == session_id, user_session.c.user_id == user_id))
