"""The secrets that sign webhooks to an endpoint: sealed, shown once, and two at a time while one is replaced."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, text

from notices.tables import webhook_secret
from tenants.secrets import SecretBox, UnopenedSecretError

OVERLAP = timedelta(hours=24)

_SECRET_BYTES = 32
_EXPIRE = text("""
    UPDATE webhook_secret SET expires_at = CAST(:now AS timestamptz) + :overlap
    WHERE company_id = :company_id AND endpoint_id = :endpoint_id AND expires_at IS NULL
""")
_FORGET_EXPIRED = text("""
    DELETE FROM webhook_secret
    WHERE company_id = :company_id AND endpoint_id = :endpoint_id AND expires_at <= :now
""")


class NoSecretError(Exception):
    """The endpoint has no secret: it was lost. It gets one when it is rotated."""


def new_secret(connection: Connection, box: SecretBox, company_id: int, endpoint_id: int, *, now: datetime) -> str:
    """Store a new secret for an endpoint and return it: this is the only time it can be shown. Commits nothing.

    The one before signs beside it for another 24 hours.
    """
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    of_endpoint = {"company_id": company_id, "endpoint_id": endpoint_id}
    connection.execute(_FORGET_EXPIRED, {**of_endpoint, "now": now})
    connection.execute(_EXPIRE, {**of_endpoint, "now": now, "overlap": OVERLAP})
    sealed = box.seal(secret.encode(), company_id=company_id, name=bound_to(endpoint_id))
    connection.execute(insert(webhook_secret).values(**of_endpoint, key_id=box.newest, sealed=sealed, created_at=now))
    return secret


def signing_secrets(connection: Connection, box: SecretBox, endpoint_id: int, *, now: datetime) -> Sequence[str]:
    """Return the secrets that sign webhooks to an endpoint now, newest first, as far as they can be opened.

    :raises NoSecretError: there is none
    :raises UnknownDataKeyError, DamagedSecretError: none of them can be opened
    """
    held = webhook_secret.c
    rows = connection.execute(
        select(held.company_id, held.key_id, held.sealed)
        .where(held.endpoint_id == endpoint_id, (held.expires_at.is_(None)) | (held.expires_at > now))
        .order_by(held.id.desc())
    ).all()
    if not rows:
        raise NoSecretError
    opened, unopened = list[str](), list[UnopenedSecretError]()
    for row in rows:
        try:
            plain = box.open(row.sealed, row.key_id, company_id=row.company_id, name=bound_to(endpoint_id))
            opened.append(plain.decode())
        except UnopenedSecretError as error:
            unopened.append(error)
    if not opened:
        raise unopened[0]
    return opened


def bound_to(endpoint_id: int) -> str:
    """Return the name under which an endpoint's secrets are sealed."""
    return f"webhook_endpoint:{endpoint_id}"
