"""Idempotency keys of requests to connect, with the answers they were given."""

import hmac

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from tenants.tables import connection_request_key


class IdempotencyKeyReusedError(Exception):
    """The key was used before, for a different request."""


def answer_kept(connection: Connection, company_id: int, idempotency_key: str, *, request_mac: bytes) -> bool | None:
    """Return the answer stored for a key, whether Stripe sends events; None if there is none.

    :raises IdempotencyKeyReusedError: the key was used for a different request
    """
    columns = connection_request_key.c
    row = connection.execute(
        select(columns.request_mac, columns.sends_events).where(
            columns.company_id == company_id, columns.idempotency_key == idempotency_key
        )
    ).one_or_none()
    if row is None:
        return None
    if not hmac.compare_digest(row.request_mac, request_mac):
        raise IdempotencyKeyReusedError
    return bool(row.sends_events)


def keep_answer(
    connection: Connection, company_id: int, idempotency_key: str, *, request_mac: bytes, sends_events: bool
) -> None:
    """Store the answer to a request; of two concurrent ones the first is kept. Commits nothing."""
    connection.execute(
        insert(connection_request_key)
        .values(
            company_id=company_id,
            idempotency_key=idempotency_key,
            request_mac=request_mac,
            sends_events=sends_events,
        )
        .on_conflict_do_nothing()
    )
