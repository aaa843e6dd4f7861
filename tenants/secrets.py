"""Secrets at rest: sealed with AES-GCM under the newest key, and bound to their company and their name.

A secret that is moved to another row, or changed by a bit, does not open.
"""

import secrets
from collections.abc import Sequence
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants.data_keys import key_id
from tenants.tables import secret

SecretName = Literal["restricted_key", "webhook_secret", "webhook_endpoint", "access_token", "refresh_token"]

# NIST SP 800-38D §8.2.2: 96 random bits, for far fewer than 2^32 sealings under one key.
_NONCE_BYTES = 12
_RESEALED_AT_ONCE = 100


class UnknownDataKeyError(Exception):
    """A secret is sealed under a key that ENCRYPTION_KEYS does not hold; the message names the key's id."""


class DamagedSecretError(Exception):
    """A secret does not open: it was changed, or stands where it does not belong."""


class SecretBox:
    """Seals under the newest key, opens under any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are of 32 bytes, newest first."""
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.newest = key_id(keys[0])

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of the keys."""
        return frozenset(self._ciphers)

    def seal(self, plain: bytes, *, company_id: int, name: str) -> bytes:
        """Give the secret, sealed under the newest key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[self.newest].encrypt(nonce, plain, _bound_to(company_id, name))

    def open(self, sealed: bytes, under: str, *, company_id: int, name: str) -> bytes:
        """Give what was sealed under the key of this id.

        :raises UnknownDataKeyError: it is none of ours
        :raises DamagedSecretError: it was not sealed for this company and name
        """
        if under not in self._ciphers:
            raise UnknownDataKeyError(under)
        nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._ciphers[under].decrypt(nonce, box, _bound_to(company_id, name))
        except InvalidTag as error:
            raise DamagedSecretError from error


def keep_secret(connection: Connection, box: SecretBox, company_id: int, name: SecretName, value: str) -> None:
    """Keep a company's secret of this name, in place of the one before. Commits nothing."""
    kept = {"key_id": box.newest, "sealed": box.seal(value.encode(), company_id=company_id, name=name)}
    connection.execute(
        insert(secret)
        .values(company_id=company_id, name=name, **kept)
        .on_conflict_do_update(index_elements=[secret.c.company_id, secret.c.name], set_=kept)
    )


def find_secret(connection: Connection, box: SecretBox, company_id: int, name: SecretName) -> str | None:
    """Give a company's secret of this name, if there is one.

    :raises UnknownDataKeyError, DamagedSecretError: it cannot be opened
    """
    row = connection.execute(
        select(secret.c.key_id, secret.c.sealed).where(secret.c.company_id == company_id, secret.c.name == name)
    ).one_or_none()
    return box.open(row.sealed, row.key_id, company_id=company_id, name=name).decode() if row else None


def forget_secrets(connection: Connection, company_id: int) -> int:
    """Forget all secrets of a company; give how many. Commits nothing."""
    return connection.execute(delete(secret).where(secret.c.company_id == company_id)).rowcount


def reseal_some(connection: Connection, box: SecretBox) -> int:
    """Seal up to a hundred secrets anew that are under an older key; give how many. Commits nothing.

    Call again while it gives any. What somebody else holds is passed over, and stays readable all the time.

    :raises UnknownDataKeyError, DamagedSecretError: one of them cannot be opened
    """
    rows = connection.execute(
        select(secret.c.company_id, secret.c.name, secret.c.key_id, secret.c.sealed)
        .where(secret.c.key_id != box.newest)
        .order_by(secret.c.company_id, secret.c.name)
        .limit(_RESEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        plain = box.open(row.sealed, row.key_id, company_id=row.company_id, name=row.name)
        connection.execute(
            update(secret)
            .where(secret.c.company_id == row.company_id, secret.c.name == row.name)
            .values(key_id=box.newest, sealed=box.seal(plain, company_id=row.company_id, name=row.name))
        )
    return len(rows)


def key_ids_in_use(connection: Connection) -> list[str]:
    """Give the ids of the keys under which something is sealed."""
    return list(connection.execute(select(secret.c.key_id).distinct().order_by(secret.c.key_id)).scalars())


def _bound_to(company_id: int, name: str) -> bytes:
    return b"secret\0" + company_id.to_bytes(8) + name.encode()
