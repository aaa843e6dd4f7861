"""Links to set a new password: each works once, for an hour.

A link that is mailed proves whose the address is. A link that an admin is shown proves nothing, and opens only what the
admin may open: it is for a person who belongs to the admin's company alone.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, delete, func, insert, select, update

from tenants.access_facts import PASSWORD_CHANGED, PASSWORD_LINK_CREATED, note_access, note_in_companies_of
from tenants.people.link_tables import password_link
from tenants.people.link_tokens import LinkOverError, hash_of, new_token
from tenants.people.sessions import end_sessions_of
from tenants.tables import membership, user_account

LASTS = timedelta(hours=1)


class MemberElsewhereError(Exception):
    """The person belongs to another company as well, which a link that an admin is shown would open, too."""


class PasswordChange(NamedTuple):
    """Whose password a link sets."""

    user_id: int
    email: str


def link_to_be_mailed(connection: Connection, user_id: int, *, now: datetime) -> str:
    """Return the token of a link that goes to the user's address and to nobody else. Commits nothing."""
    return _new_link(connection, user_id, company_id=None, made_by=None, now=now)


def link_to_be_shown(connection: Connection, company_id: int, user_id: int, *, actor: str, now: datetime) -> str:
    """Return the token of a link that an admin is shown. Commits nothing.

    :raises MemberElsewhereError: the person belongs to another company, too
    """
    if _is_elsewhere(connection, company_id, user_id):
        raise MemberElsewhereError
    return _new_link(connection, user_id, company_id=company_id, made_by=actor, now=now)


def note_password_link(connection: Connection, company_id: int, user_id: int, *, actor: str, now: datetime) -> None:
    """Record that an admin gave a member a link. Commits nothing; call it last."""
    note_access(connection, company_id, PASSWORD_LINK_CREATED, about=f"user:{user_id}", actor=actor, now=now)


def find_password_link(connection: Connection, token: str, *, now: datetime) -> PasswordChange:
    """Return whose password the link with this token sets. Uses nothing up.

    :raises LinkOverError: there is no such link, or its person belongs to another company by now
    """
    row = connection.execute(
        select(password_link.c.user_id, user_account.c.email, password_link.c.company_id)
        .join(user_account, user_account.c.id == password_link.c.user_id)
        .where(password_link.c.token_sha256 == hash_of(token), password_link.c.expires_at > now)
    ).one_or_none()
    if row is None or (row.company_id is not None and _is_elsewhere(connection, row.company_id, row.user_id)):
        raise LinkOverError
    return PasswordChange(row.user_id, row.email)


def use_password_link(connection: Connection, token: str, password_hash: str, *, now: datetime) -> int:
    """Set the password by a link, end all sessions of the person and return their id. Commits nothing; call it last.

    Of several calls at once, one succeeds.

    :raises LinkOverError: as in `find_password_link`
    """
    whose = find_password_link(connection, token, now=now)
    used = connection.execute(
        delete(password_link)
        .where(password_link.c.token_sha256 == hash_of(token))
        .returning(password_link.c.company_id)
    ).one_or_none()
    if used is None:
        raise LinkOverError
    if used.company_id is None:
        prove_address(connection, whose.user_id, now=now)
    change_password(connection, whose.user_id, password_hash, now=now)
    return whose.user_id


def change_password(
    connection: Connection, user_id: int, password_hash: str | None, *, now: datetime, keeps: int | None = None
) -> None:
    """Set a password or take it away, and end the person's sessions but the one kept. Commits nothing; call it last.

    Each of their companies records it, and links made before stop working.
    """
    connection.execute(update(user_account).where(user_account.c.id == user_id).values(password_hash=password_hash))
    connection.execute(delete(password_link).where(password_link.c.user_id == user_id))
    end_sessions_of(connection, user_id, but=keeps)
    note_in_companies_of(connection, user_id, PASSWORD_CHANGED, actor=f"user:{user_id}", now=now)


def prove_address(connection: Connection, user_id: int, *, now: datetime) -> None:
    """Record that a user reads what is sent to their address. Commits nothing; safe to repeat."""
    proven = case((user_account.c.address_proven_at.is_(None), now), else_=user_account.c.address_proven_at)
    connection.execute(update(user_account).where(user_account.c.id == user_id).values(address_proven_at=proven))


def _new_link(
    connection: Connection, user_id: int, *, company_id: int | None, made_by: str | None, now: datetime
) -> str:
    token = new_token()
    connection.execute(delete(password_link).where(password_link.c.expires_at < now))
    connection.execute(
        insert(password_link).values(
            token_sha256=hash_of(token),
            user_id=user_id,
            company_id=company_id,
            made_by=made_by,
            created_at=now,
            expires_at=now + LASTS,
        )
    )
    return token


def _is_elsewhere(connection: Connection, company_id: int, user_id: int) -> bool:
    """Return whether the company is not the one and only company of a user."""
    return connection.execute(
        select(func.count(), func.min(membership.c.company_id)).where(membership.c.user_id == user_id)
    ).one() != (1, company_id)
