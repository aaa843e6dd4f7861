"""Lease deliveries to send. One request at a time is under way to an endpoint.

An endpoint that fails rests. Those that failed or were slow, and those that were never asked, are asked among
themselves: however many hang, the others wait for none of them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, text

from notices.vocabulary import REVENUE_LINES_CHANGED

# Longer than resolving a name and one request take together.
LEASE_SECONDS = 90

_MOST_OF_COMPANY = 4

# After so many failures one endpoint's prospects are no better than another's.
_FAILURES_THAT_COUNT = 3

# The endpoints with something to send are found by one index lookup each, and looked up one by one: left to itself,
# the planner compares each with each, because it takes those that are ready for few. An endpoint waits since its first
# delivery was due, or its last request or rest ended: however much waits for one, the others have turns in between.
_IS_READY = "e.disabled_at IS NULL AND e.busy_until <= statement_timestamp() AND e.rests_until <= statement_timestamp()"
_READY = f"""
    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id, due_at FROM webhook_delivery WHERE status = 'waiting'
         ORDER BY endpoint_id, due_at LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT endpoint_id, due_at FROM webhook_delivery WHERE status = 'waiting' AND endpoint_id > w.endpoint_id
            ORDER BY endpoint_id, due_at LIMIT 1) n
    ), ready AS (
        SELECT e.*, greatest(w.due_at, e.busy_until, e.rests_until) AS since FROM waiting w CROSS JOIN LATERAL (
            SELECT e.id, e.company_id, e.standing, e.failures, e.busy_until, e.rests_until FROM webhook_endpoint e
            WHERE e.id = w.endpoint_id AND {_IS_READY} OFFSET 0) e
        WHERE w.due_at <= statement_timestamp()
    )
"""  # noqa: S608 - our own words
_ANY_DUE = text(f"{_READY} SELECT EXISTS (SELECT FROM ready)")  # noqa: S608 - our own words
# Those that failed seldom come first. Companies take turns, and those whose other endpoints are slow come last with
# new ones.
_CHOOSE = text(f"""
    {_READY}, turned AS (
        SELECT r.*,
            row_number() OVER (PARTITION BY r.company_id, r.standing ORDER BY r.since, r.id)
            + (SELECT count(*) FROM webhook_endpoint b WHERE b.company_id = r.company_id
               AND b.busy_until > statement_timestamp() AND b.standing = r.standing) AS turn,
            CASE WHEN r.standing = 'new' THEN (
                SELECT count(*) FROM webhook_endpoint b WHERE b.company_id = r.company_id AND b.standing = 'slow')
            ELSE 0 END AS slow_ones
        FROM ready r
    ), placed AS (
        SELECT id, standing, row_number() OVER (
            PARTITION BY standing ORDER BY least(failures, :failures_that_count), turn + slow_ones, since, id) AS place
        FROM turned WHERE turn <= :most_of_company
    ), chosen AS MATERIALIZED (
        SELECT id, place FROM placed
        WHERE place <= CASE WHEN standing = 'quick' THEN :quick WHEN standing = 'new' THEN :new ELSE :slow END
    )
    SELECT e.id, e.company_id, e.url, e.standing FROM webhook_endpoint e JOIN chosen c ON c.id = e.id
    WHERE {_IS_READY} ORDER BY c.place, e.id FOR NO KEY UPDATE OF e SKIP LOCKED
""")  # noqa: S608 - our own words
_TAKE = text("""
    SELECT id, message_id, type, occurred_at, data, position_from, position_to, body, attempts FROM webhook_delivery
    WHERE endpoint_id = :endpoint_id AND status = 'waiting' AND due_at <= statement_timestamp()
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_LEASE = text("""
    WITH busy AS (
        UPDATE webhook_endpoint SET busy_until = statement_timestamp() + make_interval(secs => :lease)
        WHERE id = :endpoint_id RETURNING busy_until
    )
    UPDATE webhook_delivery SET attempts = attempts + 1, body = :body,
        due_at = statement_timestamp() + make_interval(secs => :lease)
    WHERE id = :id RETURNING (SELECT busy_until FROM busy)
""")

Standing = Literal["new", "quick", "slow"]
_STANDINGS: tuple[Standing, ...] = ("new", "quick", "slow")


class Delivery(NamedTuple):
    """A delivery leased by this process: what to send where. `number` counts its attempts, this one included."""

    id: int
    company_id: int
    endpoint_id: int
    url: str
    message_id: str
    body: str
    number: int
    busy_until: datetime
    standing: Standing


def is_any_delivery_due(connection: Connection) -> bool:
    """Return whether a webhook is due whose endpoint is neither asked already, nor resting, nor disabled."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_deliveries(engine: Engine, places: Mapping[Standing, int]) -> list[Delivery]:
    """Lease one delivery each of so many endpoints of each standing. Commits."""
    limits = {"most_of_company": _MOST_OF_COMPANY, "failures_that_count": _FAILURES_THAT_COUNT}
    with engine.begin() as connection:
        endpoints = connection.execute(_CHOOSE, {one: places.get(one, 0) for one in _STANDINGS} | limits).all()
        taken = (_taken(connection, *endpoint) for endpoint in endpoints)
        return [delivery for delivery in taken if delivery is not None]


def _taken(connection: Connection, endpoint_id: int, company_id: int, url: str, standing: Standing) -> Delivery | None:
    row = connection.execute(_TAKE, {"endpoint_id": endpoint_id}).one_or_none()
    if row is None:
        return None
    data = row.data
    if row.type == REVENUE_LINES_CHANGED:
        data = {"from": row.position_from, "to": row.position_to}
    body = row.body or body_of(company_id, row.type, row.occurred_at, data)
    lease = {"id": row.id, "endpoint_id": endpoint_id, "body": body, "lease": LEASE_SECONDS}
    busy_until = connection.execute(_LEASE, lease).scalar_one()
    return Delivery(row.id, company_id, endpoint_id, url, row.message_id, body, row.attempts + 1, busy_until, standing)


def body_of(company_id: int, what: str, occurred_at: datetime, data: dict[str, object]) -> str:
    """Return a webhook's body. It is sent byte for byte as it was signed, in every attempt."""
    timestamp = occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"type": what, "timestamp": timestamp, "data": {"company_id": company_id, **data}})
