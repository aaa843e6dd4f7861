"""Companies: the owners of the books."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from tenants.access_facts import (
    COMPANY_CREATED,
    COMPANY_RENAMED,
    SECOND_FACTOR_MADE_OPTIONAL,
    SECOND_FACTOR_REQUIRED,
    note_access,
)
from tenants.people.users import set_member
from tenants.tables import company


class Company(NamedTuple):
    """A company with its id. `time_zone` is an IANA name; the company's days begin and end there."""

    id: int
    name: str
    created_at: datetime
    time_zone: str = "UTC"
    requires_second_factor: bool = False


_COLUMNS = [company.c[name] for name in Company._fields]


def add_company(connection: Connection, name: str) -> Company:
    """Add a company. Commits nothing; not safe to repeat, since names need not be unique."""
    return Company(*connection.execute(insert(company).values(name=name).returning(*_COLUMNS)).one())


def found_company(connection: Connection, name: str, *, user_id: int, now: datetime) -> Company:
    """Add a company with its first admin, who founds it. Commits nothing; call it last."""
    founded, actor = add_company(connection, name), f"user:{user_id}"
    about = f"company:{founded.id}"
    note_access(connection, founded.id, COMPANY_CREATED, about=about, actor=actor, now=now, name=name)
    set_member(connection, founded.id, user_id, "admin", actor=actor, now=now)
    return founded


def list_companies(connection: Connection) -> list[Company]:
    """Return all companies, oldest first."""
    return [Company(*row) for row in connection.execute(select(*_COLUMNS).order_by(company.c.id))]


def find_company(connection: Connection, company_id: int) -> Company | None:
    """Return the company with this id, or None."""
    row = connection.execute(select(*_COLUMNS).where(company.c.id == company_id)).one_or_none()
    return Company(*row) if row else None


def rename_company(connection: Connection, company_id: int, name: str, *, actor: str, now: datetime) -> None:
    """Give a company another name, and record it if it is another one. Commits nothing; call it last."""
    changed = connection.execute(
        update(company).where(company.c.id == company_id, company.c.name != name).values(name=name)
    )
    if changed.rowcount:
        about = f"company:{company_id}"
        note_access(connection, company_id, COMPANY_RENAMED, about=about, actor=actor, now=now, name=name)


def require_second_factor(
    connection: Connection, company_id: int, *, is_required: bool, actor: str, now: datetime
) -> None:
    """Say whether members who sign in with a password need a second factor, and record it if that is new.

    Commits nothing; call it last.
    """
    required = company.c.requires_second_factor
    changed = connection.execute(
        update(company)
        .where(company.c.id == company_id, required != is_required)
        .values(requires_second_factor=is_required)
    )
    if changed.rowcount:
        fact = SECOND_FACTOR_REQUIRED if is_required else SECOND_FACTOR_MADE_OPTIONAL
        note_access(connection, company_id, fact, about=f"company:{company_id}", actor=actor, now=now)


def keep_time_zone(connection: Connection, company_id: int, time_zone: str) -> None:
    """Store where a company's days begin, for those who need not read its log. Commits nothing.

    Whoever calls it records the accounting policy that says so.
    """
    connection.execute(update(company).where(company.c.id == company_id).values(time_zone=time_zone))
