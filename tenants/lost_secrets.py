"""Find the secrets of connections that cannot be opened, because their data key was lost or they were changed."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from tenants.secrets import SecretBox, key_ids_in_use
from tenants.tables import secret

_READ_AT_ONCE = 500


class Unopened(NamedTuple):
    """A secret that cannot be opened: what it is for, and the id of the key that it is sealed under."""

    company_id: int | None
    kind: str
    key_id: str
    endpoint_id: int | None = None
    user_id: int | None = None


def unopened(connection: Connection, box: SecretBox) -> Iterator[Unopened]:
    """Yield the secrets of connections that the box cannot open, in constant memory. Opens all of them."""
    columns = (secret.c.company_id, secret.c.name, secret.c.key_id, secret.c.sealed)
    rows = connection.execute(select(*columns).order_by(*columns[:2]).execution_options(yield_per=_READ_AT_ONCE))
    for row in rows:
        if not box.opens(row.sealed, row.key_id, company_id=row.company_id, name=row.name):
            yield Unopened(row.company_id, row.name, row.key_id)


def count_lost(connection: Connection, box: SecretBox) -> int:
    """Return how many secrets of connections are sealed under keys that the box lacks.

    However many secrets there are, only those are read, and one for each key.
    """
    lost = [key for key in key_ids_in_use(connection) if key not in box.key_ids]
    count = select(func.count()).select_from(secret).where(secret.c.key_id.in_(lost))
    return connection.execute(count).scalar_one() if lost else 0


def forget_sealed_under(connection: Connection, key: str) -> int:
    """Delete all secrets of connections that are sealed under a key; return how many. Commits nothing."""
    return connection.execute(delete(secret).where(secret.c.key_id == key)).rowcount
