"""Recovery codes, each of which stands in once for the code of an app that is lost. Only their hashes are stored."""

import secrets
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection, delete, func, insert, select

from tenants.people.factor_tables import recovery_code
from tenants.people.totp import WrongCodeError

HOW_MANY = 10

# 120 random bits, for which a plain hash is enough: OWASP ASVS 5.0, 6.5.2 asks for 112.
_BYTES = 15
_GROUP = 4


def replace_recovery_codes(connection: Connection, user_id: int) -> list[str]:
    """Give a person ten new recovery codes in place of what they had, and return them. Commits nothing."""
    made = [_new_code() for _ in range(HOW_MANY)]
    connection.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))
    connection.execute(insert(recovery_code), [{"user_id": user_id, "code_sha256": _hash(code)} for code in made])
    return made


def spend_recovery_code(connection: Connection, user_id: int, code: str) -> None:
    """Use a recovery code up. Commits nothing. Of several calls at once, one succeeds.

    :raises WrongCodeError: the person has no such code
    """
    whose = recovery_code.c.user_id == user_id, recovery_code.c.code_sha256 == _hash(code)
    if connection.execute(delete(recovery_code).where(*whose)).rowcount == 0:
        raise WrongCodeError


def recovery_codes_left(connection: Connection, user_id: int) -> int:
    """Return how many recovery codes a person has not used."""
    return connection.execute(
        select(func.count()).select_from(recovery_code).where(recovery_code.c.user_id == user_id)
    ).scalar_one()


def _new_code() -> str:
    """Return a code in groups of four, as it is shown."""
    code = b32encode(secrets.token_bytes(_BYTES)).decode().lower()
    return "-".join(_groups(code))


def _groups(code: str) -> Sequence[str]:
    return [code[start : start + _GROUP] for start in range(0, len(code), _GROUP)]


def _hash(code: str) -> bytes:
    """Return the hash of a code, however its groups are set apart."""
    return sha256("".join(code.replace("-", " ").split()).lower().encode("utf-8", "surrogateescape")).digest()
