"""Append Stripe's events to the logs of the companies that own their accounts, and park the others."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from events.log.append import NewEvent, columns_of
from runtime.database import driver_of

STRIPE_SOURCE = "stripe"

_RECEIVE = """
    SELECT ord, company_id, at_position, was_inserted FROM receive_stripe_events(
        %(type)b::text[], %(entity)b::text[], %(external_id)b::text[], %(account_id)b::text[], %(livemode)b::boolean[],
        %(api_version)b::text[], %(occurred_at)b::timestamptz[], %(correlation_id)b::uuid[], %(payload_zstd)b::bytea[],
        %(sha256)b::bytea[]) ORDER BY ord
"""


class Received(NamedTuple):
    """The outcome for one event. Without company and position, it is parked. Not new: it was stored before."""

    company_id: int | None
    position: int | None
    is_new: bool


def receive(connection: Connection, events: Sequence[NewEvent]) -> list[Received]:
    """Append or park Stripe's events, in the order given, in one round trip. Commits nothing; safe to repeat.

    Uses the driver directly: for every few webhooks, SQLAlchemy's overhead would cost as much as one more.

    :raises psycopg.Error: the driver's own error, not wrapped by SQLAlchemy
    """
    driver = driver_of(connection)
    rows = driver.execute(_RECEIVE, columns_of(events)).fetchall()
    return [Received(company_id, position, is_new) for _, company_id, position, is_new in rows]
