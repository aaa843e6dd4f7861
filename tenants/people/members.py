"""Members of a company as its admins manage them, and when each was last seen in it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, or_, select, update

from tenants.last_use import note_use
from tenants.people.invitations import revoke_invitations_by
from tenants.people.link_tables import password_link
from tenants.people.sessions import Session, end_sessions_after_removal
from tenants.people.users import remove_member, set_member
from tenants.roles import Role
from tenants.tables import company, membership, user_account

# To the second, it would cost a write on every request.
_SEEN_ACCURACY = timedelta(minutes=5)


class UnknownMemberError(LookupError):
    """The company has no such member."""


class LastAdminError(Exception):
    """Without this member, nobody could admit people to the company any more."""


class SeenMember(NamedTuple):
    """A member of a company. `last_seen_at` is their last request for this company, to about five minutes."""

    id: int
    name: str | None
    email: str
    role: Role
    created_at: datetime
    last_seen_at: datetime | None


class Visit(NamedTuple):
    """A member's current role in a company, and whether a password alone does not let them in there."""

    role: Role
    needs_second_factor: bool

    def lets_in(self, session: Session) -> bool:
        """Return whether the member's session proves as much as the company asks for."""
        return session.has_second_factor or not self.needs_second_factor


def list_seen_members(
    connection: Connection, company_id: int, *, limit: int, after: int | None = None
) -> list[SeenMember]:
    """Return a company's members in the order of their ids, those above `after` if it is given."""
    wanted = _members(company_id).order_by(user_account.c.id).limit(limit)
    rows = connection.execute(wanted if after is None else wanted.where(user_account.c.id > after))
    return [SeenMember(*row) for row in rows]


def find_member(connection: Connection, company_id: int, user_id: int) -> SeenMember:
    """Return one member of a company.

    :raises UnknownMemberError: the person is not a member
    """
    row = connection.execute(_members(company_id).where(user_account.c.id == user_id)).one_or_none()
    if row is None:
        raise UnknownMemberError
    return SeenMember(*row)


def list_admins(connection: Connection, company_id: int) -> list[SeenMember]:
    """Return those who may change the access of others, by address; at most twenty."""
    wanted = _members(company_id).where(membership.c.role == "admin").order_by(user_account.c.email).limit(20)
    return [SeenMember(*row) for row in connection.execute(wanted)]


def change_role(
    connection: Connection, company_id: int, user_id: int, role: Role, *, actor: str, now: datetime
) -> bool:
    """Give a member another role; return whether anything changed. Commits nothing; call it last.

    Invitations and password links made by somebody who is no admin any more stop working.

    :raises UnknownMemberError: the person is not a member
    :raises LastAdminError: nobody else is an admin
    """
    before = _locked_role(connection, company_id, user_id, keeps_admin=role == "admin")
    is_changed = set_member(connection, company_id, user_id, role, actor=actor, now=now)
    if before == "admin" and role != "admin":
        _revoke_links_by(connection, company_id, user_id, actor=actor, now=now)
    return is_changed


def dismiss_member(connection: Connection, company_id: int, user_id: int, *, actor: str, now: datetime) -> None:
    """Remove a member, and end their sessions in the company. Commits nothing; call it last.

    Invitations and password links that they made stop working.

    :raises UnknownMemberError: the person is not a member
    :raises LastAdminError: nobody else is an admin
    """
    _locked_role(connection, company_id, user_id, keeps_admin=False)
    end_sessions_after_removal(connection, company_id, user_id)
    remove_member(connection, company_id, user_id, actor=actor, now=now)
    _revoke_links_by(connection, company_id, user_id, actor=actor, now=now)


def visit_of(connection: Connection, company_id: int, user_id: int, *, now: datetime) -> Visit | None:
    """Return how a user may enter a company, or None, and record that they were seen. Commits nothing."""
    mine = (membership.c.company_id == company_id, membership.c.user_id == user_id)
    row = connection.execute(
        select(membership.c.role, company.c.requires_second_factor, membership.c.last_seen_at)
        .join(company, company.c.id == membership.c.company_id)
        .where(*mine)
    ).one_or_none()
    if row is None:
        return None
    if row.last_seen_at is None or row.last_seen_at < now - _SEEN_ACCURACY:
        seen_before = or_(membership.c.last_seen_at.is_(None), membership.c.last_seen_at < now - _SEEN_ACCURACY)
        note_use(connection, update(membership).where(*mine, seen_before).values(last_seen_at=now))
    return Visit(row.role, row.requires_second_factor)


def _members(company_id: int) -> Select[Any]:
    return (
        select(
            user_account.c.id,
            user_account.c.name,
            user_account.c.email,
            membership.c.role,
            membership.c.created_at,
            membership.c.last_seen_at,
        )
        .join(user_account, user_account.c.id == membership.c.user_id)
        .where(membership.c.company_id == company_id)
    )


def _locked_role(connection: Connection, company_id: int, user_id: int, *, keeps_admin: bool) -> Role:
    """Return a member's role; others who change it, or take admins away, wait until the commit."""
    rows = connection.execute(
        select(membership.c.user_id, membership.c.role)
        .where(
            membership.c.company_id == company_id, or_(membership.c.role == "admin", membership.c.user_id == user_id)
        )
        .order_by(membership.c.user_id)
        .with_for_update()
    ).all()
    roles: dict[int, Role] = {row.user_id: row.role for row in rows}
    if user_id not in roles:
        raise UnknownMemberError
    if not keeps_admin and roles[user_id] == "admin" and list(roles.values()).count("admin") == 1:
        raise LastAdminError
    return roles[user_id]


def _revoke_links_by(connection: Connection, company_id: int, user_id: int, *, actor: str, now: datetime) -> None:
    maker = f"user:{user_id}"
    connection.execute(
        delete(password_link).where(password_link.c.company_id == company_id, password_link.c.made_by == maker)
    )
    revoke_invitations_by(connection, company_id, maker, actor=actor, now=now)
