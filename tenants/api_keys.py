"""API keys: shown once when created, stored as a hash, each for one company and one role."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from tenants.access_facts import API_KEY_CREATED, API_KEY_REVOKED, note_access
from tenants.last_use import note_use
from tenants.roles import Principal, Role
from tenants.tables import api_key

_SECRET_BYTES = 32
_PREFIX_LENGTH = 11
# "Last used" separates forgotten keys from active ones. To the second, it would cost a write on every request.
_LAST_USED_ACCURACY = timedelta(minutes=5)


class UnknownApiKeyError(LookupError):
    """The company has no such key."""


class NewApiKey(NamedTuple):
    """A newly created key. `key` is the secret itself: this is the only time it can be shown."""

    id: int
    company_id: int
    role: Role
    prefix: str
    key: str


class ApiKey(NamedTuple):
    """An API key without its secret. `created_by` is the actor that its fact names, if that is known."""

    id: int
    company_id: int
    role: Role
    name: str
    prefix: str
    created_by: str | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def create_api_key(
    connection: Connection, company_id: int, role: Role, *, name: str = "", created_by: str | None = None
) -> NewApiKey:
    """Create an API key. Commits nothing.

    :raises sqlalchemy.exc.IntegrityError: the company does not exist
    """
    key = f"rmk_{secrets.token_urlsafe(_SECRET_BYTES)}"
    prefix = key[:_PREFIX_LENGTH]
    key_id = connection.execute(
        insert(api_key)
        .values(
            company_id=company_id, role=role, prefix=prefix, key_sha256=_hash(key), name=name, created_by=created_by
        )
        .returning(api_key.c.id)
    ).scalar_one()
    return NewApiKey(key_id, company_id, role, prefix, key)


def grant_api_key(
    connection: Connection, company_id: int, role: Role, *, actor: str, now: datetime, name: str = ""
) -> NewApiKey:
    """Create an API key and record in the company's log who created it. Commits nothing; call it last.

    :raises sqlalchemy.exc.IntegrityError: the company does not exist
    """
    created = create_api_key(connection, company_id, role, name=name, created_by=actor)
    details = {"role": role, "prefix": created.prefix} | ({"name": name} if name else {})
    note_access(connection, company_id, API_KEY_CREATED, about=f"api_key:{created.id}", actor=actor, now=now, **details)
    return created


def list_api_keys(connection: Connection, company_id: int) -> list[ApiKey]:
    """Return all keys of a company, including revoked ones, oldest first."""
    rows = connection.execute(
        select(*(api_key.c[name] for name in ApiKey._fields))
        .where(api_key.c.company_id == company_id)
        .order_by(api_key.c.id)
    )
    return [ApiKey(*row) for row in rows]


def newest_api_keys(connection: Connection, company_id: int, *, limit: int, before: int | None = None) -> list[ApiKey]:
    """Return a company's keys, including revoked ones, newest first, with ids below `before` if it is given."""
    rows = connection.execute(
        select(*(api_key.c[name] for name in ApiKey._fields))
        .where(api_key.c.company_id == company_id, *([api_key.c.id < before] if before is not None else []))
        .order_by(api_key.c.id.desc())
        .limit(limit)
    )
    return [ApiKey(*row) for row in rows]


def find_api_key(connection: Connection, company_id: int, key_id: int) -> ApiKey:
    """Return one of a company's keys.

    :raises UnknownApiKeyError: the company has no key with this id
    """
    row = connection.execute(
        select(*(api_key.c[name] for name in ApiKey._fields)).where(
            api_key.c.company_id == company_id, api_key.c.id == key_id
        )
    ).one_or_none()
    if row is None:
        raise UnknownApiKeyError
    return ApiKey(*row)


def revoke_api_key(connection: Connection, company_id: int, key_id: int, *, actor: str, now: datetime) -> bool:
    """Revoke a company's key from the next request on; return whether this call did so. Commits nothing.

    :raises UnknownApiKeyError: the company has no key with this id
    """
    row = connection.execute(
        select(api_key.c.prefix, api_key.c.revoked_at)
        .where(api_key.c.id == key_id, api_key.c.company_id == company_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownApiKeyError
    if row.revoked_at is not None:
        return False
    connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=now))
    about = f"api_key:{key_id}"
    note_access(connection, company_id, API_KEY_REVOKED, about=about, actor=actor, now=now, prefix=row.prefix)
    return True


def principal_of(connection: Connection, key: str, *, now: datetime) -> Principal | None:
    """Return the principal of a key, or None if the key is unknown or revoked.

    Records its last use, to about five minutes. Commits nothing. A key has 256 random bits, so a plain hash is as safe
    as a slow one, and looking it up leaks nothing.
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
        note_use(connection, update(api_key).where(api_key.c.id == row.id, used_before).values(last_used_at=now))
    return Principal(row.company_id, row.role, f"api_key:{row.id}")


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
