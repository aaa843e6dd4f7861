"""API keys: shown once when made, kept as a hash, each for one company and one role."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from tenants.tables import api_key

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "admin")

_SECRET_BYTES = 32
_PREFIX_LENGTH = 11
# "Last used" tells forgotten keys from used ones; nobody needs it to the second, and every request would write it.
_LAST_USED_ACCURACY = timedelta(minutes=5)


class NewApiKey(NamedTuple):
    """A key just made. `key` is the secret itself: this is the only time it can be shown."""

    id: int
    company_id: int
    role: Role
    prefix: str
    key: str


class Principal(NamedTuple):
    """Who asks: a key of this company, with this role."""

    company_id: int
    role: Role
    api_key_id: int


def create_api_key(connection: Connection, company_id: int, role: Role) -> NewApiKey:
    """Make a key. Commits nothing.

    :raises sqlalchemy.exc.IntegrityError: there is no such company
    """
    key = f"rmk_{secrets.token_urlsafe(_SECRET_BYTES)}"
    prefix = key[:_PREFIX_LENGTH]
    key_id = connection.execute(
        insert(api_key)
        .values(company_id=company_id, role=role, prefix=prefix, key_sha256=_hash(key))
        .returning(api_key.c.id)
    ).scalar_one()
    return NewApiKey(key_id, company_id, role, prefix, key)


def principal_of(connection: Connection, key: str, *, now: datetime) -> Principal | None:
    """Give who speaks with this key; None when it is unknown or revoked. Notes its use, roughly; commits nothing.

    The key is 256 random bits, so that its plain hash is as good as a slow one, and looking it up leaks nothing.
    """
    row = connection.execute(
        select(api_key.c.company_id, api_key.c.role, api_key.c.id, api_key.c.last_used_at).where(
            api_key.c.key_sha256 == _hash(key), api_key.c.revoked_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return None
    if row.last_used_at is None or row.last_used_at < now - _LAST_USED_ACCURACY:
        used_before = or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at < now - _LAST_USED_ACCURACY)
        connection.execute(update(api_key).where(api_key.c.id == row.id, used_before).values(last_used_at=now))
    return Principal(row.company_id, row.role, row.id)


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
