"""How people want their company's table to look when an address does not say it."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, null, select
from sqlalchemy.dialects.postgresql import insert

from tenants.views.tables import table_preference


class Preference(NamedTuple):
    """What somebody prefers: columns, separated by commas, density, and widths in pixels. None is the default."""

    columns: str | None = None
    density: str | None = None
    widths: Mapping[str, int] | None = None


def preference_of(connection: Connection, company_id: int, user_id: int) -> Preference:
    """Return what a person prefers."""
    held = table_preference.c
    found = select(held.columns, held.density, held.widths).where(
        held.company_id == company_id, held.user_id == user_id
    )
    row = connection.execute(found).one_or_none()
    return Preference(*row) if row else Preference()


def prefer(connection: Connection, company_id: int, user_id: int, preference: Preference) -> None:
    """Remember what a person prefers. Commits nothing; may be repeated."""
    if preference == Preference():
        forgotten = delete(table_preference).where(
            table_preference.c.company_id == company_id, table_preference.c.user_id == user_id
        )
        connection.execute(forgotten)
        return
    values = preference._asdict() | {"widths": null() if preference.widths is None else dict(preference.widths)}
    statement = insert(table_preference).values(company_id=company_id, user_id=user_id, **values)
    kept = {name: statement.excluded[name] for name in Preference._fields}
    connection.execute(statement.on_conflict_do_update(index_elements=["company_id", "user_id"], set_=kept))
