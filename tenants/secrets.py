"""Secrets at rest: sealed with AES-GCM under the newest key, and bound to their company and name.

A secret that was moved to another row, or changed by a single bit, cannot be opened.
"""

import secrets
from collections.abc import Sequence
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tenants.data_keys import key_id
from tenants.tables import secret

SecretName = Literal["restricted_key", "webhook_secret", "webhook_endpoint", "access_token", "refresh_token"]

# NIST SP 800-38D §8.2.2: 96 random bits, for far fewer than 2^32 sealings under one key.
_NONCE_BYTES = 12
_RESEALED_AT_ONCE = 100
# Looks up one secret of each key, however many there are.
_KEY_IDS = text("""
    WITH RECURSIVE used AS (
        (SELECT key_id FROM secret ORDER BY key_id LIMIT 1)
        UNION ALL
        SELECT next.key_id FROM used CROSS JOIN LATERAL (
            SELECT key_id FROM secret WHERE secret.key_id > used.key_id ORDER BY key_id LIMIT 1) next
    )
    SELECT key_id FROM used ORDER BY key_id
""")


class UnopenedSecretError(Exception):
    """A secret cannot be opened. The message, if there is one, says nothing of the secret."""


class UnknownDataKeyError(UnopenedSecretError):
    """A secret is sealed under a key that ENCRYPTION_KEYS does not contain; the message is the key's id."""


class DamagedSecretError(UnopenedSecretError):
    """A secret was changed, or is in the wrong row."""


class SecretBox:
    """Seals with the newest key and opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` have 32 bytes each, newest first."""
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.newest = key_id(keys[0])

    @property
    def key_ids(self) -> frozenset[str]:
        """Return the ids of the keys."""
        return frozenset(self._ciphers)

    def seal(self, plain: bytes, *, company_id: int, name: str) -> bytes:
        """Return a secret sealed under the newest key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[self.newest].encrypt(nonce, plain, _bound_to(company_id, name))

    def open(self, sealed: bytes, under: str, *, company_id: int, name: str) -> bytes:
        """Return the secret that was sealed under the key with this id.

        :raises UnknownDataKeyError: there is no such key
        :raises DamagedSecretError: it was changed, or was not sealed for this company and name
        """
        if under not in self._ciphers:
            raise UnknownDataKeyError(under)
        nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._ciphers[under].decrypt(nonce, box, _bound_to(company_id, name))
        except InvalidTag as error:
            raise DamagedSecretError from error

    def opens(self, sealed: bytes, under: str, *, company_id: int, name: str) -> bool:
        """Return whether the secret can be opened."""
        try:
            self.open(sealed, under, company_id=company_id, name=name)
        except UnopenedSecretError:
            return False
        return True


def keep_secret(connection: Connection, box: SecretBox, company_id: int, name: SecretName, value: str) -> None:
    """Store a company's secret under this name, replacing the previous one. Commits nothing."""
    sealed = {"key_id": box.newest, "sealed": box.seal(value.encode(), company_id=company_id, name=name)}
    connection.execute(
        insert(secret)
        .values(company_id=company_id, name=name, **sealed)
        .on_conflict_do_update(index_elements=[secret.c.company_id, secret.c.name], set_=sealed)
    )


def find_secret(connection: Connection, box: SecretBox, company_id: int, name: SecretName) -> str | None:
    """Return a company's secret of this name, or None.

    :raises UnknownDataKeyError, DamagedSecretError: it cannot be opened
    """
    row = connection.execute(
        select(secret.c.key_id, secret.c.sealed).where(secret.c.company_id == company_id, secret.c.name == name)
    ).one_or_none()
    return box.open(row.sealed, row.key_id, company_id=company_id, name=name).decode() if row else None


def forget_secrets(connection: Connection, company_id: int) -> int:
    """Delete all secrets of a company and return how many there were. Commits nothing."""
    return connection.execute(delete(secret).where(secret.c.company_id == company_id)).rowcount


def reseal_some(connection: Connection, box: SecretBox) -> int:
    """Reseal up to 100 secrets that are under an older key of the box, and return how many. Commits nothing.

    Call again until it returns 0. Rows that others have locked are skipped; secrets stay readable throughout.

    :raises DamagedSecretError: one of them cannot be opened
    """
    rows = connection.execute(
        select(secret.c.company_id, secret.c.name, secret.c.key_id, secret.c.sealed)
        .where(secret.c.key_id.in_(box.key_ids - {box.newest}))
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
    """Return the ids of the keys that stored secrets are sealed under."""
    return list(connection.scalars(_KEY_IDS))


def _bound_to(company_id: int, name: str) -> bytes:
    return b"secret\0" + company_id.to_bytes(8) + name.encode()
