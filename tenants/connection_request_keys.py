"""Idempotency keys of requests to connect: which were answered, and with what."""

import hmac

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from tenants.tables import connection_request_key


class IdempotencyKeyReusedError(Exception):
    """The key was answered before, for another request."""


def answer_kept(connection: Connection, company_id: int, idempotency_key: str, *, request_mac: bytes) -> bool | None:
    """Tell what a request under this key was answered, whether Stripe sends events; None when none was.

    :raises IdempotencyKeyReusedError: it was another request
    """
    held = connection_request_key.c
    row = connection.execute(
        select(held.request_mac, held.sends_events).where(
            held.company_id == company_id, held.idempotency_key == idempotency_key
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
    """Keep what a request was answered; of two at once the first counts. Commits nothing."""
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
