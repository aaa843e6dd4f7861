"""What each person wants to be told by e-mail. Without a choice of their own, their role decides."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from notices.tables import notification_preference
from notices.vocabulary import MAILED_BY_DEFAULT, NOTICE_TYPES
from tenants.roles import Role
from tenants.tables import membership, user_account


class Recipient(NamedTuple):
    """A member of a company who wants to be told."""

    user_id: int
    email: str


def mailed_types(connection: Connection, company_id: int, user_id: int, role: Role) -> list[str]:
    """Return the types of notices that a member gets by e-mail."""
    held = notification_preference.c
    chosen = connection.execute(
        select(held.types).where(held.company_id == company_id, held.user_id == user_id)
    ).scalar_one_or_none()
    wanted = MAILED_BY_DEFAULT[role] if chosen is None else chosen
    return [what for what in NOTICE_TYPES if what in wanted]


def choose_types(connection: Connection, company_id: int, user_id: int, types: Collection[str]) -> None:
    """Set the types of notices that a member gets by e-mail. Commits nothing; safe to repeat."""
    values = {"types": [what for what in NOTICE_TYPES if what in types]}
    connection.execute(
        insert(notification_preference)
        .values(company_id=company_id, user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["company_id", "user_id"], set_=values)
    )


def recipients_of(connection: Connection, company_id: int, what: str) -> list[Recipient]:
    """Return the members who want to be told of this type by e-mail, sorted by address. Needs all of their rows."""
    held = notification_preference
    rows = connection.execute(
        select(user_account.c.id, user_account.c.email, membership.c.role, held.c.types)
        .join(user_account, user_account.c.id == membership.c.user_id)
        .outerjoin(held, (held.c.user_id == membership.c.user_id) & (held.c.company_id == membership.c.company_id))
        .where(membership.c.company_id == company_id)
        .order_by(user_account.c.email)
    )
    return [
        Recipient(row.id, row.email)
        for row in rows
        if what in (MAILED_BY_DEFAULT[row.role] if row.types is None else row.types)
    ]
