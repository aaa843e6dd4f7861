"""Sessions: stored in the database and not in the cookie, so that we can end them. Only the token's hash is stored."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, or_, select, update

from tenants.last_use import note_use
from tenants.people.factor_tables import second_factor
from tenants.tables import membership, user_account, user_session

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)

_TOKEN_BYTES = 32
_MOST_OF_ONE_USER = 20
# To the second, it would cost a write on every request.
_LAST_USED_ACCURACY = timedelta(minutes=1)
_has_app = select(second_factor.c.user_id).where(second_factor.c.user_id == user_session.c.user_id).exists()

# What somebody who signs in has proven: that they know the password; that, and a code; or who they are, elsewhere.
Proof = Literal["password", "code", "provider"]


class CodeNeededError(Exception):
    """The password alone does not open a session of this user."""


class Session(NamedTuple):
    """A signed-in user. `company_id` is the company they opened last.

    `has_second_factor`: they proved more than a password, here or at the identity provider.
    """

    id: int
    user_id: int
    email: str
    company_id: int | None
    name: str | None = None
    has_second_factor: bool = False


def open_session(
    connection: Connection, user_id: int, *, now: datetime, device: str | None = None, proof: Proof = "password"
) -> str:
    """Sign a user in and return the session's token, which is not stored. Commits nothing.

    The session begins in the company that the user opened last.
    The user's oldest sessions end when there are more than twenty.

    :raises CodeNeededError: the user has a second factor, and gave a password alone
    """
    if proof == "password":
        _refuse_without_code(connection, user_id)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    connection.execute(
        insert(user_session).values(
            token_sha256=_hash(token),
            user_id=user_id,
            company_id=select(user_account.c.last_company_id).where(user_account.c.id == user_id).scalar_subquery(),
            device=device,
            came_by_provider=proof == "provider",
            created_at=now,
            last_used_at=now,
            expires_at=now + LONGEST,
        )
    )
    newest = (
        select(user_session.c.id)
        .where(user_session.c.user_id == user_id)
        .order_by(user_session.c.created_at.desc(), user_session.c.id.desc())
        .limit(_MOST_OF_ONE_USER)
    )
    connection.execute(delete(user_session).where(user_session.c.user_id == user_id, user_session.c.id.not_in(newest)))
    return token


def session_of(connection: Connection, token: str, *, now: datetime) -> Session | None:
    """Return the session of a token, or None if it is unknown, ended, unused for 12 hours or a week old.

    Records its last use, to about a minute. Commits nothing.
    """
    row = connection.execute(
        select(
            user_session.c.id,
            user_session.c.user_id,
            user_account.c.email,
            user_session.c.company_id,
            user_account.c.name,
            # Without it no session opened, and those that were open when it was turned on have ended.
            or_(user_session.c.came_by_provider, _has_app).label("has_second_factor"),
            user_session.c.last_used_at,
        )
        .join(user_account, user_account.c.id == user_session.c.user_id)
        .where(
            user_session.c.token_sha256 == _hash(token),
            user_session.c.expires_at > now,
            user_session.c.last_used_at > now - IDLE,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.last_used_at < now - _LAST_USED_ACCURACY:
        note_use(connection, update(user_session).where(user_session.c.id == row.id).values(last_used_at=now))
    return Session(row.id, row.user_id, row.email, row.company_id, row.name, row.has_second_factor)


def end_session(connection: Connection, token: str) -> None:
    """End a session; its token is no longer accepted. Commits nothing; safe to repeat."""
    connection.execute(delete(user_session).where(user_session.c.token_sha256 == _hash(token)))


def end_sessions_of(connection: Connection, user_id: int, *, but: int | None = None) -> int:
    """End all sessions of a user, but one if it is named, and return how many there were. Commits nothing."""
    others = [] if but is None else [user_session.c.id != but]
    return connection.execute(delete(user_session).where(user_session.c.user_id == user_id, *others)).rowcount


def end_sessions_after_removal(connection: Connection, company_id: int, user_id: int) -> None:
    """End the sessions of a user who leaves a company: those in it, and all if they have no other. Commits nothing."""
    elsewhere = select(membership.c.user_id).where(
        membership.c.user_id == user_id, membership.c.company_id != company_id
    )
    connection.execute(
        delete(user_session).where(
            user_session.c.user_id == user_id, or_(user_session.c.company_id == company_id, ~elsewhere.exists())
        )
    )


def note_company(connection: Connection, session: Session, company_id: int) -> None:
    """Record the company that was opened last, in a session and by its user. Commits nothing."""
    note_use(connection, update(user_session).where(user_session.c.id == session.id).values(company_id=company_id))
    of_user = update(user_account).where(user_account.c.id == session.user_id)
    note_use(connection, of_user.values(last_company_id=company_id))


def _refuse_without_code(connection: Connection, user_id: int) -> None:
    # Whoever turns it on waits, so that no session opens beside it; see `tenants.people.second_factors`.
    connection.execute(
        select(user_account.c.id).where(user_account.c.id == user_id).with_for_update(read=True, key_share=True)
    )
    if connection.execute(select(second_factor.c.user_id).where(second_factor.c.user_id == user_id)).first():
        raise CodeNeededError


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
