"""Views of a company's table that were given a name: a person's own ones, and those of the whole company."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tenants.views.tables import saved_view

MOST_VIEWS = 100

# Parameters of the table's address, each with its value or values.
Parameters = Mapping[str, str | list[str]]


class NameTakenError(Exception):
    """The person, or the company, has a view of that name, in whatever case."""


class TooManyViewsError(Exception):
    """The person, or the company, has as many views as one may have."""


class NewView(NamedTuple):
    """A view to save; without an owner, for the whole company."""

    owner_id: int | None
    name: str
    parameters: Parameters


class SavedView(NamedTuple):
    """A saved view. Without an owner it is the whole company's."""

    id: int
    owner_id: int | None
    name: str
    parameters: dict[str, Any]
    created_by: str
    created_at: datetime
    updated_at: datetime


_COLUMNS = [saved_view.c[name] for name in SavedView._fields]


def list_views(connection: Connection, company_id: int, person_id: int | None) -> Sequence[SavedView]:
    """Return the company's views and the person's own ones, by name; a caller that is no person has none."""
    statement = select(*_COLUMNS).where(_is_seen(company_id, person_id))
    rows = connection.execute(statement.order_by(func.lower(saved_view.c.name), saved_view.c.id))
    return [SavedView._make(row) for row in rows]


def find_view(connection: Connection, company_id: int, view_id: int, person_id: int | None) -> SavedView | None:
    """Return a view that the person may see, or None."""
    found = select(*_COLUMNS).where(_is_seen(company_id, person_id), saved_view.c.id == view_id)
    row = connection.execute(found).one_or_none() if view_id < 2**63 else None
    return SavedView._make(row) if row else None


def add_view(connection: Connection, company_id: int, view: NewView, *, actor: str, now: datetime) -> SavedView:
    """Save a view and return it. Commits nothing.

    :raises NameTakenError: its owner has one of that name; the transaction cannot go on
    :raises TooManyViewsError: its owner has as many as one may have
    """
    owned = select(func.count()).where(saved_view.c.company_id == company_id, _is_owned_by(view.owner_id))
    if connection.execute(owned).scalar_one() >= MOST_VIEWS:
        raise TooManyViewsError
    values: dict[str, object] = {"company_id": company_id, **view._asdict(), "created_by": actor}
    values |= {"created_at": now, "updated_at": now}
    with _names_differ():
        return SavedView._make(connection.execute(insert(saved_view).values(values).returning(*_COLUMNS)).one())


def change_view(connection: Connection, view: SavedView, changes: Mapping[str, object], *, now: datetime) -> SavedView:
    """Change the name or the parameters of a view, and return it. Commits nothing.

    :raises NameTakenError: its owner has another of that name; the transaction cannot go on
    """
    changed = update(saved_view).where(saved_view.c.id == view.id).values(updated_at=now, **changes)
    with _names_differ():
        return SavedView._make(connection.execute(changed.returning(*_COLUMNS)).one())


def remove_view(connection: Connection, view: SavedView) -> None:
    """Delete a view. Commits nothing."""
    connection.execute(delete(saved_view).where(saved_view.c.id == view.id))


def _is_seen(company_id: int, person_id: int | None) -> ColumnElement[bool]:
    is_own = [saved_view.c.owner_id == person_id] if person_id is not None else []
    return (saved_view.c.company_id == company_id) & or_(saved_view.c.owner_id.is_(None), *is_own)


def _is_owned_by(owner_id: int | None) -> ColumnElement[bool]:
    return saved_view.c.owner_id.is_(None) if owner_id is None else saved_view.c.owner_id == owner_id


@contextmanager
def _names_differ() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise NameTakenError from error
        raise
