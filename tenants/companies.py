"""Companies: the owners of the books."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from tenants.tables import company


class Company(NamedTuple):
    """A company with its id."""

    id: int
    name: str
    created_at: datetime


def add_company(connection: Connection, name: str) -> Company:
    """Add a company. Commits nothing; not safe to repeat, since names need not be unique."""
    row = connection.execute(insert(company).values(name=name).returning(company.c.id, company.c.created_at)).one()
    return Company(row.id, name, row.created_at)


def list_companies(connection: Connection) -> list[Company]:
    """Return all companies, oldest first."""
    rows = connection.execute(select(company.c.id, company.c.name, company.c.created_at).order_by(company.c.id))
    return [Company(*row) for row in rows]


def find_company(connection: Connection, company_id: int) -> Company | None:
    """Return the company with this id, or None."""
    row = connection.execute(
        select(company.c.id, company.c.name, company.c.created_at).where(company.c.id == company_id)
    ).one_or_none()
    return Company(*row) if row else None
