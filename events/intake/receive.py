"""Receive Stripe's events for whoever owns their accounts, and park the others."""

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
    """What became of an event. No company and no position: it is parked. Not new: it was held before."""

    company_id: int | None
    position: int | None
    is_new: bool


def receive(connection: Connection, events: Sequence[NewEvent]) -> list[Received]:
    """Keep Stripe's events, in the order given, in one round trip. Commits nothing; safe to repeat.

    Speaks to the driver itself: for every few webhooks SQLAlchemy's part would cost as much as one of them.

    :raises psycopg.Error: as the driver has it, not as SQLAlchemy wraps it
    """
    driver = driver_of(connection)
    rows = driver.execute(_RECEIVE, columns_of(events)).fetchall()
    return [Received(company_id, position, is_new) for _, company_id, position, is_new in rows]
