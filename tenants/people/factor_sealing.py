"""Seal the secrets of authenticator apps, each bound to its person, and reseal them when the data keys are rotated."""

from collections.abc import Iterator

from sqlalchemy import Connection, delete, select, update

from tenants.lost_secrets import Unopened
from tenants.people.factor_tables import second_factor
from tenants.secrets import SecretBox

_RESEALED_AT_ONCE = 100
_READ_AT_ONCE = 500
# A person belongs to several companies, or to none.
_NO_COMPANY = 0


def seal(box: SecretBox, user_id: int, secret: bytes) -> bytes:
    """Return a person's secret sealed under the newest key."""
    return box.seal(secret, company_id=_NO_COMPANY, name=_bound_to(user_id))


def unseal(box: SecretBox, user_id: int, sealed: bytes, under: str) -> bytes:
    """Return a person's secret that was sealed under the key with this id.

    :raises UnknownDataKeyError, DamagedSecretError: it cannot be opened
    """
    return box.open(sealed, under, company_id=_NO_COMPANY, name=_bound_to(user_id))


def keys_of_second_factors(connection: Connection) -> list[str]:
    """Return the ids of the keys that secrets of apps are sealed under."""
    return list(connection.scalars(select(second_factor.c.key_id).distinct().order_by(second_factor.c.key_id)))


def unopened(connection: Connection, box: SecretBox) -> Iterator[Unopened]:
    """Yield the secrets of apps that the box cannot open, in constant memory."""
    columns = (second_factor.c.user_id, second_factor.c.key_id, second_factor.c.sealed)
    rows = connection.execute(select(*columns).order_by(columns[0]).execution_options(yield_per=_READ_AT_ONCE))
    for row in rows:
        if not box.opens(row.sealed, row.key_id, company_id=_NO_COMPANY, name=_bound_to(row.user_id)):
            yield Unopened(None, "second_factor", row.key_id, user_id=row.user_id)


def forget_sealed_under(connection: Connection, key: str) -> int:
    """Delete the second factors that are sealed under a key; return how many. Commits nothing."""
    return connection.execute(delete(second_factor).where(second_factor.c.key_id == key)).rowcount


def reseal_some(connection: Connection, box: SecretBox) -> int:
    """Reseal up to 100 secrets that are under an older key of the box, and return how many. Commits nothing.

    Call again until it returns 0. Rows that others have locked are skipped.

    :raises DamagedSecretError: one of them cannot be opened
    """
    held = second_factor.c
    rows = connection.execute(
        select(held.user_id, held.key_id, held.sealed)
        .where(held.key_id.in_(box.key_ids - {box.newest}))
        .order_by(held.user_id)
        .limit(_RESEALED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        sealed = seal(box, row.user_id, unseal(box, row.user_id, row.sealed, row.key_id))
        connection.execute(
            update(second_factor).where(held.user_id == row.user_id).values(key_id=box.newest, sealed=sealed)
        )
    return len(rows)


def _bound_to(user_id: int) -> str:
    return f"second_factor:{user_id}"
