"""People who come by themselves: by an invitation, or with a company of their own."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants.access_facts import INVITATION_ACCEPTED, note_access
from tenants.companies import Company, found_company
from tenants.people.link_tables import invitation, is_open
from tenants.people.link_tokens import LinkOverError, hash_of
from tenants.people.users import normal_email, role_of, set_member
from tenants.roles import Role
from tenants.tables import company, user_account


class EmailTakenError(Exception):
    """Somebody with this address can sign in already."""


class ForeignInvitationError(Exception):
    """The invitation is for another address than that of the person who accepts it."""


class OpenInvitation(NamedTuple):
    """What the holder of an open link is shown. `has_account`: somebody with this address can sign in."""

    company_id: int
    company_name: str
    email: str
    role: Role
    has_account: bool


def find_open_invitation(connection: Connection, token: str, *, now: datetime) -> OpenInvitation:
    """Return the invitation whose link has this token. Uses nothing up.

    :raises LinkOverError: there is none that is open
    """
    has_account = select(user_account.c.id).where(user_account.c.email == invitation.c.email).exists()
    row = connection.execute(
        select(invitation.c.company_id, company.c.name, invitation.c.email, invitation.c.role, has_account)
        .join(company, company.c.id == invitation.c.company_id)
        .where(invitation.c.token_sha256 == hash_of(token), is_open, invitation.c.expires_at > now)
    ).one_or_none()
    if row is None:
        raise LinkOverError
    return OpenInvitation(*row)


def accept_invitation(connection: Connection, token: str, *, user_id: int, email: str, now: datetime) -> int:
    """Make a person a member by an invitation for their address; return the company's id. Commits nothing.

    Of several calls at once, one succeeds. Who has become a member meanwhile keeps their role. Call it last.

    :raises LinkOverError: the invitation is not open
    :raises ForeignInvitationError: it is for another address
    """
    row = connection.execute(
        update(invitation)
        .where(invitation.c.token_sha256 == hash_of(token), is_open, invitation.c.expires_at > now)
        .values(accepted_at=now)
        .returning(invitation.c.id, invitation.c.company_id, invitation.c.email, invitation.c.role)
    ).one_or_none()
    if row is None:
        raise LinkOverError
    if row.email != email:
        raise ForeignInvitationError
    actor = f"user:{user_id}"
    if role_of(connection, row.company_id, user_id) is None:
        set_member(connection, row.company_id, user_id, row.role, actor=actor, now=now)
    about = f"invitation:{row.id}"
    note_access(connection, row.company_id, INVITATION_ACCEPTED, about=about, actor=actor, now=now)
    return int(row.company_id)


def join_as_new_person(
    connection: Connection, token: str, *, name: str, password_hash: str, now: datetime
) -> tuple[int, int]:
    """Add the person whom an invitation is for, and make them a member; return their id and the company's.

    Commits nothing; call it last. Of several calls at once, one succeeds.

    :raises LinkOverError: the invitation is not open
    :raises EmailTakenError: the person has an account, and has to sign in instead
    """
    email = find_open_invitation(connection, token, now=now).email
    user_id = add_person(connection, email, name=name, password_hash=password_hash)
    return user_id, accept_invitation(connection, token, user_id=user_id, email=email, now=now)


def sign_up(
    connection: Connection, email: str, *, name: str, password_hash: str, company_name: str, now: datetime
) -> tuple[int, Company]:
    """Add a person with a company of their own; return their id and the company. Commits nothing; call it last.

    :raises UnusableEmailError: it does not look like an address
    :raises EmailTakenError: the person has an account
    """
    user_id = add_person(connection, normal_email(email), name=name, password_hash=password_hash)
    return user_id, found_company(connection, company_name, user_id=user_id, now=now)


def add_person(connection: Connection, email: str, *, name: str, password_hash: str) -> int:
    """Add a person who says that this address is theirs, and return their id. Commits nothing.

    :raises EmailTakenError: there is a person with this address
    """
    user_id = connection.execute(
        insert(user_account)
        .values(email=email, name=name, password_hash=password_hash, address_proven_at=None)
        .on_conflict_do_nothing(index_elements=[user_account.c.email])
        .returning(user_account.c.id)
    ).scalar_one_or_none()
    if user_id is None:
        raise EmailTakenError
    return int(user_id)
