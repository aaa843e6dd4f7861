"""Erase a company, in steps that each stand alone: neighbours do not wait, and what was killed goes on.

It acts as the owner of the database. First the company is closed, in one transaction, and its erasure is recorded; then
its rows are deleted in bites, wherever the catalogue knows a column `company_id`; at last its people and its name.
"""

from collections.abc import Iterator
from datetime import datetime
from graphlib import TopologicalSorter
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from tenants.erasure_statements import (
    ACCOUNTS,
    ADD_ERASURE,
    BITE,
    CLOSE,
    ERASURES,
    FINISH,
    HEAD,
    IS_CONNECTED,
    IS_OWNER,
    LINKS,
    PARKED_BITE,
    PERSON,
    PERSON_REFERENCES,
    TABLES,
    UNTIE,
)

_MOST_AT_ONCE = 2000
_MAINTAIN = text("SET LOCAL revmap.maintenance = 'on'")


class StillConnectedError(Exception):
    """The company's account is connected: Stripe's events would go on arriving."""


class NotOwnerError(Exception):
    """The database's user does not own the log: it may not erase any of it."""


class UnknownCompanyError(LookupError):
    """There neither is nor was a company with this id."""


class Erasure(NamedTuple):
    """What is kept of an erased company. Without `erased_at`, it is not finished."""

    id: int
    begun_at: datetime
    erased_at: datetime | None
    erased_by: str
    events: int
    chain_position: int
    chain_sha256: bytes


def find_erasure(connection: Connection, company_id: int) -> Erasure | None:
    """Return the erasure of a company, begun or finished, or None."""
    row = connection.execute(ERASURES, {"company_id": company_id}).one_or_none()
    return Erasure(*row) if row else None


def erase_company(engine: Engine, company_id: int, *, actor: str, now: datetime) -> Iterator[tuple[str, int]]:
    """Erase a company; yield tables and how many rows of them were deleted. Commits each step; safe to repeat.

    :raises NotOwnerError: the engine's user does not own the log
    :raises StillConnectedError: it is to be disconnected first
    :raises UnknownCompanyError: nothing has this id
    """
    with engine.begin() as connection:
        if not connection.execute(IS_OWNER).scalar_one():
            raise NotOwnerError
        _close(connection, company_id, actor=actor, now=now)
    yield from _parked(engine, company_id)
    with engine.connect() as connection:
        tables = _children_first(connection)
    # What a worker was writing meanwhile is committed behind the first round.
    while deleted := list(_round(engine, company_id, tables)):
        yield from deleted
    with engine.begin() as connection:
        connection.execute(_MAINTAIN)
        _erase_people(connection, company_id)
        connection.execute(FINISH, {"company_id": company_id, "now": now})


def _close(connection: Connection, company_id: int, *, actor: str, now: datetime) -> None:
    connection.execute(_MAINTAIN)
    of = {"company_id": company_id}
    # The lock keeps out a connection that is being made: it appends to the log.
    head = connection.execute(HEAD, of).one_or_none()
    if find_erasure(connection, company_id):
        return
    if head is None:
        raise UnknownCompanyError
    if connection.execute(IS_CONNECTED, of).scalar_one():
        raise StillConnectedError
    connection.execute(ADD_ERASURE, of | {"actor": actor, "now": now} | head._asdict())
    for statement in CLOSE:
        connection.execute(statement, of)


def _parked(engine: Engine, company_id: int) -> Iterator[tuple[str, int]]:
    # Before its facts: they name the accounts.
    with engine.begin() as connection:
        accounts = connection.scalars(ACCOUNTS, {"company_id": company_id}).all()
    for account_id in accounts:
        while True:
            with engine.begin() as connection:
                gone = connection.execute(PARKED_BITE, {"account_id": account_id, "most": _MOST_AT_ONCE}).rowcount
            if not gone:
                break
            yield "parked_event", gone


def _children_first(connection: Connection) -> list[str]:
    order = TopologicalSorter[str](dict.fromkeys(connection.scalars(TABLES), ()))
    for child, parent in connection.execute(LINKS):
        order.add(parent, child)
    return list(order.static_order())


def _round(engine: Engine, company_id: int, tables: list[str]) -> Iterator[tuple[str, int]]:
    for table in tables:
        while True:
            with engine.begin() as connection:
                connection.execute(_MAINTAIN)
                bite = text(BITE.format(table=table))
                gone = connection.execute(bite, {"company_id": company_id, "most": _MOST_AT_ONCE}).rowcount
            if not gone:
                break
            yield table, gone


def _erase_people(connection: Connection, company_id: int) -> None:
    connection.execute(UNTIE, {"company_id": company_id})
    # Whoever belongs to another company, or left anything there, stays.
    others = [
        f"NOT EXISTS (SELECT FROM {row.child} r WHERE r.{row.child_column} = u.id)"
        for row in connection.execute(PERSON_REFERENCES)
    ]
    connection.execute(text(PERSON.format(others=" AND ".join(others))), {"company_id": company_id})
