"""Users, identified by e-mail address, and their roles in companies."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants.access_facts import MEMBER_ADDED, MEMBER_REMOVED, MEMBER_ROLE_CHANGED, note_access
from tenants.roles import Role
from tenants.tables import company, membership, user_account

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


class UnusableEmailError(ValueError):
    """The text does not look like an e-mail address."""


class User(NamedTuple):
    """A user. Without a password hash they can only sign in through the identity provider.

    `is_address_proven`: somebody but the user has confirmed that the address is theirs.
    """

    id: int
    email: str
    password_hash: str | None
    is_address_proven: bool = True


_USERS = select(
    user_account.c.id,
    user_account.c.email,
    user_account.c.password_hash,
    user_account.c.address_proven_at.is_not(None),
)


class Membership(NamedTuple):
    """A user's role in one company."""

    company_id: int
    company_name: str
    role: Role


class Member(NamedTuple):
    """A user who belongs to a company."""

    id: int
    email: str
    role: Role
    created_at: datetime


def normal_email(email: str) -> str:
    """Return an address in the spelling that is stored.

    :raises UnusableEmailError: it does not look like an address
    """
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise UnusableEmailError("an e-mail address looks like name@example.org")
    return address


def add_user(connection: Connection, email: str, *, password_hash: str | None) -> User:
    """Return the user with this address, creating one if there is none. Commits nothing.

    An existing user keeps their password, unless they had none.

    :raises UnusableEmailError: it does not look like an address
    """
    address = normal_email(email)
    connection.execute(
        insert(user_account)
        .values(email=address, password_hash=password_hash)
        .on_conflict_do_update(
            index_elements=[user_account.c.email],
            set_={"password_hash": password_hash},
            where=user_account.c.password_hash.is_(None),
        )
    )
    found = find_user(connection, address)
    assert found is not None  # noqa: S101 - it was just inserted, or existed before
    return found


def find_user(connection: Connection, email: str) -> User | None:
    """Return the user with this address, ignoring case and surrounding whitespace; None if there is none."""
    row = connection.execute(_USERS.where(user_account.c.email == email.strip().lower())).one_or_none()
    return User(*row) if row else None


def user_with_id(connection: Connection, user_id: int) -> User | None:
    """Return the user with this id, or None."""
    row = connection.execute(_USERS.where(user_account.c.id == user_id)).one_or_none()
    return User(*row) if row else None


def password_hash_of(connection: Connection, user_id: int) -> str | None:
    """Return a user's password hash; None if they sign in through the identity provider only."""
    return connection.execute(
        select(user_account.c.password_hash).where(user_account.c.id == user_id)
    ).scalar_one_or_none()


def set_name(connection: Connection, user_id: int, name: str | None) -> None:
    """Set what a user is called; None: by the address. Commits nothing."""
    connection.execute(update(user_account).where(user_account.c.id == user_id).values(name=name))


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash. Commits nothing."""
    connection.execute(update(user_account).where(user_account.c.id == user_id).values(password_hash=password_hash))


def set_member(connection: Connection, company_id: int, user_id: int, role: Role, *, actor: str, now: datetime) -> bool:
    """Set a user's role in a company; return whether anything changed. Commits nothing; call it last."""
    current = role_of(connection, company_id, user_id)
    if current == role:
        return False
    connection.execute(
        insert(membership)
        .values(company_id=company_id, user_id=user_id, role=role)
        .on_conflict_do_update(index_elements=[membership.c.user_id, membership.c.company_id], set_={"role": role})
    )
    fact = MEMBER_ROLE_CHANGED if current else MEMBER_ADDED
    note_access(connection, company_id, fact, about=f"user:{user_id}", actor=actor, now=now, role=role)
    return True


def remove_member(connection: Connection, company_id: int, user_id: int, *, actor: str, now: datetime) -> bool:
    """Remove a user's role from their next request on; return whether they had one. Commits nothing."""
    removed = connection.execute(
        delete(membership)
        .where(membership.c.company_id == company_id, membership.c.user_id == user_id)
        .returning(membership.c.role)
    ).scalar_one_or_none()
    if removed is None:
        return False
    note_access(connection, company_id, MEMBER_REMOVED, about=f"user:{user_id}", actor=actor, now=now, role=removed)
    return True


def role_of(connection: Connection, company_id: int, user_id: int) -> Role | None:
    """Return a user's current role in a company, or None."""
    return connection.execute(
        select(membership.c.role).where(membership.c.company_id == company_id, membership.c.user_id == user_id)
    ).scalar_one_or_none()


def memberships_of(connection: Connection, user_id: int) -> list[Membership]:
    """Return the companies a user belongs to, sorted by name."""
    rows = connection.execute(
        select(membership.c.company_id, company.c.name, membership.c.role)
        .join(company, company.c.id == membership.c.company_id)
        .where(membership.c.user_id == user_id)
        .order_by(company.c.name, company.c.id)
    )
    return [Membership(*row) for row in rows]


def emails_of(connection: Connection, user_ids: Collection[int]) -> dict[int, str]:
    """Return the addresses of these users by id, including former members."""
    rows = connection.execute(select(user_account.c.id, user_account.c.email).where(user_account.c.id.in_(user_ids)))
    return {row.id: row.email for row in rows}


def list_members(connection: Connection, company_id: int) -> list[Member]:
    """Return the members of a company, sorted by address."""
    rows = connection.execute(
        select(user_account.c.id, user_account.c.email, membership.c.role, membership.c.created_at)
        .join(user_account, user_account.c.id == membership.c.user_id)
        .where(membership.c.company_id == company_id)
        .order_by(user_account.c.email)
    )
    return [Member(*row) for row in rows]
