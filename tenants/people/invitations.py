"""Invitations: links that let one address into one company with one role, once, within seven days."""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Select, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants.access_facts import INVITATION_CREATED, INVITATION_REVOKED, note_access
from tenants.people.link_tables import invitation, is_open
from tenants.people.link_tokens import hash_of, new_token
from tenants.people.users import normal_email
from tenants.roles import Role
from tenants.tables import membership, user_account

LASTS = timedelta(days=7)


class AlreadyMemberError(Exception):
    """The person with this address is a member of the company already."""


class UnknownInvitationError(LookupError):
    """The company has no such invitation."""


class InvitationAcceptedError(Exception):
    """The invitation was accepted: what it gave is a membership now."""


class Invitation(NamedTuple):
    """An invitation without its token. `invited_by` is the actor that its fact names."""

    id: int
    company_id: int
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> Literal["open", "accepted", "revoked", "expired"]:
        """Return where the invitation stands at this time."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if self.expires_at > now else "expired"


_COLUMNS = [invitation.c[name] for name in Invitation._fields]


def invite(
    connection: Connection, company_id: int, *, email: str, role: Role, actor: str, now: datetime
) -> tuple[Invitation, str]:
    """Invite an address; return the invitation and the token of its link. Commits nothing; call it last.

    An open invitation of the same address is replaced: its old link stops working.

    :raises UnusableEmailError: it does not look like an address
    :raises AlreadyMemberError: the person is a member
    """
    address = normal_email(email)
    _refuse_member(connection, company_id, address)
    token = new_token()
    given = {
        "role": role,
        "token_sha256": hash_of(token),
        "invited_by": actor,
        "created_at": now,
        "expires_at": now + LASTS,
    }
    row = connection.execute(
        insert(invitation)
        .values(company_id=company_id, email=address, **given)
        .on_conflict_do_update(
            index_elements=[invitation.c.company_id, invitation.c.email], index_where=is_open, set_=given
        )
        .returning(*_COLUMNS)
    ).one()
    made = Invitation(*row)
    about = f"invitation:{made.id}"
    note_access(connection, company_id, INVITATION_CREATED, about=about, actor=actor, now=now, role=role)
    return made, token


def list_invitations(
    connection: Connection, company_id: int, *, limit: int, before: int | None = None
) -> list[Invitation]:
    """Return a company's invitations, newest first, with ids below `before` if it is given."""
    below = [] if before is None else [invitation.c.id < before]
    rows = connection.execute(_newest(company_id).where(*below).limit(limit))
    return [Invitation(*row) for row in rows]


def list_open_invitations(connection: Connection, company_id: int, *, limit: int, now: datetime) -> list[Invitation]:
    """Return the invitations of a company whose links work, newest first."""
    rows = connection.execute(_newest(company_id).where(is_open, invitation.c.expires_at > now).limit(limit))
    return [Invitation(*row) for row in rows]


def revoke_invitation(
    connection: Connection, company_id: int, invitation_id: int, *, actor: str, now: datetime
) -> bool:
    """Make an invitation's link useless; return whether this call did so. Commits nothing; safe to repeat.

    :raises UnknownInvitationError: the company has none with this id
    :raises InvitationAcceptedError: it was accepted
    """
    row = connection.execute(
        select(invitation.c.accepted_at, invitation.c.revoked_at)
        .where(invitation.c.id == invitation_id, invitation.c.company_id == company_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownInvitationError
    if row.accepted_at is not None:
        raise InvitationAcceptedError
    if row.revoked_at is not None:
        return False
    connection.execute(update(invitation).where(invitation.c.id == invitation_id).values(revoked_at=now))
    about = f"invitation:{invitation_id}"
    note_access(connection, company_id, INVITATION_REVOKED, about=about, actor=actor, now=now)
    return True


def revoke_invitations_by(connection: Connection, company_id: int, inviter: str, *, actor: str, now: datetime) -> None:
    """Revoke what somebody invited to a company and nobody has accepted. Commits nothing; call it last."""
    theirs = select(invitation.c.id).where(
        invitation.c.company_id == company_id, invitation.c.invited_by == inviter, is_open
    )
    for invitation_id in connection.execute(theirs.order_by(invitation.c.id).with_for_update()).scalars().all():
        revoke_invitation(connection, company_id, invitation_id, actor=actor, now=now)


def _newest(company_id: int) -> Select[Any]:
    return select(*_COLUMNS).where(invitation.c.company_id == company_id).order_by(invitation.c.id.desc())


def _refuse_member(connection: Connection, company_id: int, address: str) -> None:
    is_member = (
        select(membership.c.user_id)
        .join(user_account, user_account.c.id == membership.c.user_id)
        .where(membership.c.company_id == company_id, user_account.c.email == address)
    )
    if connection.execute(is_member).first() is not None:
        raise AlreadyMemberError
