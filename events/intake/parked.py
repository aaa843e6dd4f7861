"""Move parked events to the company that connects their account, and delete those that nobody claimed."""

from typing import Any

from sqlalchemy import Connection, Row, text

from events.log.append import NewEvent, append
from events.log.payloads import decompressed

# The same ownership rule as in receive_stripe_events.
_OWNERS_OF_PARKED = text("""
    SELECT DISTINCT o.company_id FROM (SELECT DISTINCT account_id, livemode FROM parked_event) p
    CROSS JOIN LATERAL (
        SELECT o.company_id FROM account_owner o
        WHERE o.account_id = p.account_id AND (o.livemode OR NOT p.livemode)
        ORDER BY o.livemode = p.livemode DESC LIMIT 1
    ) o
""")
_TAKE_PARKED = text("""
    WITH ready AS (
        SELECT p.account_id, p.livemode, p.external_id, p.payload_sha256
        FROM account_owner o JOIN parked_event p ON p.account_id = o.account_id AND (o.livemode OR NOT p.livemode)
        WHERE o.company_id = :company_id AND (o.livemode = p.livemode OR NOT EXISTS (
            SELECT FROM account_owner other WHERE other.account_id = p.account_id AND other.livemode = p.livemode))
        ORDER BY p.ordinal LIMIT :limit
        FOR UPDATE OF p SKIP LOCKED
    )
    DELETE FROM parked_event p USING ready r
    WHERE p.account_id = r.account_id AND p.livemode = r.livemode AND p.external_id = r.external_id
      AND p.payload_sha256 = r.payload_sha256
    RETURNING p.*
""")
_PURGE_PARKED = text(
    "DELETE FROM parked_event WHERE received_at < statement_timestamp() - make_interval(days => :days)"
)

# As long as Stripe's API can still return an event.
# https://docs.stripe.com/api/events: retrievable for 30 days.
PARKED_FOR_DAYS = 30


def owners_of_parked(connection: Connection) -> list[int]:
    """Return the companies that own accounts of parked events."""
    return list(connection.execute(_OWNERS_OF_PARKED).scalars())


def join_parked_events(connection: Connection, company_id: int, *, limit: int = 500) -> int:
    """Move parked events of a company's account into its log, oldest first; return how many.

    Commits nothing. Call again while it returns `limit`. Events that another call is moving are skipped.
    """
    rows = sorted(connection.execute(_TAKE_PARKED, {"company_id": company_id, "limit": limit}), key=_ordinal)
    if rows:
        append(connection, company_id, [_unparked(row) for row in rows])
    return len(rows)


def _ordinal(row: Row[Any]) -> int:
    return int(row.ordinal)


def _unparked(row: Row[Any]) -> NewEvent:
    return NewEvent(
        type=row.type,
        source=row.source,
        external_id=row.external_id,
        payload=decompressed(row.payload_zstd),
        livemode=row.livemode,
        occurred_at=row.occurred_at,
        entity=row.entity,
        account_id=row.account_id,
        api_version=row.api_version,
        correlation_id=row.correlation_id,
    )


def purge_parked_events(connection: Connection) -> int:
    """Delete parked events that nobody claimed in time; return how many. Commits nothing."""
    return connection.execute(_PURGE_PARKED, {"days": PARKED_FOR_DAYS}).rowcount
