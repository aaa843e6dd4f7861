"""Lease deliveries to send, and record what came of them. One request at a time is under way to an endpoint.

An endpoint that fails rests. Those that failed or were slow, and those that were never asked, are asked among
themselves: however many hang, the others wait for none of them.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, text

from notices.causes import open_notice
from notices.vocabulary import ENDPOINT_DISABLED, REVENUE_LINES_CHANGED
from tenants.access_facts import ENDPOINT_DISABLED as DISABLED_FACT
from tenants.access_facts import note_access

# Longer than resolving a name and one request take together.
LEASE_SECONDS = 90
DISABLED_AFTER = timedelta(days=5)

_MOST_OF_COMPANY = 4
_SLOW_MS = 2000
_FIRST_REST_SECONDS = 5
_LONGEST_REST_SECONDS = 8 * 3600
_LONGEST_ENDPOINT_REST_SECONDS = 300
_ACTOR = "sender"

# The endpoints with something to send are found by one index lookup each.
_WAITING = """
    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id, due_at FROM webhook_delivery WHERE status = 'waiting'
         ORDER BY endpoint_id, due_at LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT endpoint_id, due_at FROM webhook_delivery WHERE status = 'waiting' AND endpoint_id > w.endpoint_id
            ORDER BY endpoint_id, due_at LIMIT 1) n
    )
"""
_IS_READY = """
    e.disabled_at IS NULL AND e.busy_until <= clock_timestamp() AND e.rests_until <= clock_timestamp()
"""
_ANY_DUE = text(f"""
    {_WAITING}
    SELECT EXISTS (SELECT FROM waiting w JOIN webhook_endpoint e ON e.id = w.endpoint_id
                   WHERE w.due_at <= clock_timestamp() AND {_IS_READY})
""")  # noqa: S608 - our own words
# Companies take turns, and those whose other endpoints are slow come last with new ones.
_CHOOSE = text(f"""
    {_WAITING}, turned AS (
        SELECT e.id, e.standing, w.due_at,
            row_number() OVER (PARTITION BY e.company_id, e.standing ORDER BY w.due_at, e.id)
            + (SELECT count(*) FROM webhook_endpoint b WHERE b.company_id = e.company_id
               AND b.busy_until > clock_timestamp() AND b.standing = e.standing) AS turn,
            CASE e.standing WHEN 'new' THEN (
                SELECT count(*) FROM webhook_endpoint b WHERE b.company_id = e.company_id AND b.standing = 'slow')
            ELSE 0 END AS slow_ones
        FROM waiting w JOIN webhook_endpoint e ON e.id = w.endpoint_id
        WHERE w.due_at <= clock_timestamp() AND {_IS_READY}
    ), placed AS (
        SELECT id, row_number() OVER (PARTITION BY standing ORDER BY turn + slow_ones, due_at, id) AS place
        FROM turned WHERE turn <= :most_of_company
    )
    SELECT e.id, e.company_id, e.url, e.standing FROM webhook_endpoint e JOIN placed p ON p.id = e.id
    WHERE p.place <= CASE e.standing WHEN 'quick' THEN :quick WHEN 'new' THEN :new ELSE :slow END AND {_IS_READY}
    ORDER BY p.place, e.id FOR NO KEY UPDATE OF e SKIP LOCKED
""")  # noqa: S608 - our own words
_TAKE = text("""
    SELECT id, message_id, type, occurred_at, data, position_from, position_to, body, attempts FROM webhook_delivery
    WHERE endpoint_id = :endpoint_id AND status = 'waiting' AND due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_LEASE = text("""
    WITH busy AS (
        UPDATE webhook_endpoint SET busy_until = clock_timestamp() + make_interval(secs => :lease)
        WHERE id = :endpoint_id RETURNING busy_until
    )
    UPDATE webhook_delivery SET attempts = attempts + 1, body = :body,
        due_at = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = :id RETURNING (SELECT busy_until FROM busy)
""")
_KEEP_ATTEMPT = text("""
    INSERT INTO webhook_attempt (delivery_id, number, company_id, started_at, duration_ms, status, answer, error)
    VALUES (:id, :number, :company_id, :started_at, :duration_ms, :status, :answer, :error) ON CONFLICT DO NOTHING
""")
_DELIVERED = text("""
    UPDATE webhook_delivery SET status = 'delivered', ended_at = clock_timestamp()
    WHERE id = :id AND attempts = :number AND status = 'waiting'
""")
# After the last rest there is one more attempt, at the end of the three days.
_FAILED = text("""
    UPDATE webhook_delivery SET
        status = CASE WHEN clock_timestamp() >= give_up_at THEN 'failed' ELSE status END,
        ended_at = CASE WHEN clock_timestamp() >= give_up_at THEN clock_timestamp() END,
        due_at = least(give_up_at, clock_timestamp()
            + (0.75 + random() / 2) * make_interval(
                secs => least(:longest, :first * power(4, least(attempts, 10) - 1))))
    WHERE id = :id AND attempts = :number AND status = 'waiting'
""")
_REST = text("""
    UPDATE webhook_endpoint SET failures = failures + 1, standing = 'slow',
        failing_since = coalesce(failing_since, clock_timestamp()),
        busy_until = clock_timestamp(),
        rests_until = clock_timestamp() + make_interval(secs => least(:longest, power(2, least(failures, 20))))
    WHERE id = :endpoint_id AND busy_until = :busy_until
    RETURNING failing_since <= clock_timestamp() - :disabled_after AND disabled_at IS NULL AS is_hopeless, url
""")
_RECOVER = text("""
    UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, standing = :standing, busy_until = clock_timestamp()
    WHERE id = :endpoint_id AND busy_until = :busy_until
""")
_DISABLE = text("""
    UPDATE webhook_endpoint SET disabled_at = :now, disabled_because = 'failing' WHERE id = :endpoint_id
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


class Attempt(NamedTuple):
    """What an endpoint answered: a status and the beginning of its answer, or why there is none."""

    started_at: datetime
    duration_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether the endpoint took the webhook."""
        return self.error is None and self.status is not None and 200 <= self.status < 300  # noqa: PLR2004


def is_any_delivery_due(connection: Connection) -> bool:
    """Return whether a webhook is due whose endpoint is neither asked already, nor resting, nor disabled."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_deliveries(engine: Engine, places: Mapping[Standing, int]) -> list[Delivery]:
    """Lease one delivery each of so many endpoints of each standing, none of those that are left out. Commits."""
    parameters: dict[str, int] = {one: places.get(one, 0) for one in _STANDINGS}
    with engine.begin() as connection:
        endpoints = connection.execute(_CHOOSE, parameters | {"most_of_company": _MOST_OF_COMPANY}).all()
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


def note_attempt(engine: Engine, delivery: Delivery, attempt: Attempt, *, now: datetime) -> None:
    """Record an attempt: the delivery is over, or rests; an endpoint that failed for five days is disabled. Commits."""
    of_delivery = {"id": delivery.id, "number": delivery.number}
    of_endpoint = {"endpoint_id": delivery.endpoint_id, "busy_until": delivery.busy_until}
    with engine.begin() as connection:
        if attempt.is_accepted:
            updated = connection.execute(_DELIVERED, of_delivery)
            standing: Standing = "slow" if attempt.duration_ms > _SLOW_MS else "quick"
            connection.execute(_RECOVER, of_endpoint | {"standing": standing})
        else:
            rest = {"first": _FIRST_REST_SECONDS, "longest": _LONGEST_REST_SECONDS}
            updated = connection.execute(_FAILED, of_delivery | rest)
            _rest(connection, delivery, of_endpoint, now)
        if updated.rowcount:  # otherwise another process has taken over, or the endpoint is gone
            connection.execute(_KEEP_ATTEMPT, {**of_delivery, "company_id": delivery.company_id, **attempt._asdict()})


def _rest(connection: Connection, delivery: Delivery, of_endpoint: dict[str, object], now: datetime) -> None:
    limits = {"longest": _LONGEST_ENDPOINT_REST_SECONDS, "disabled_after": DISABLED_AFTER}
    row = connection.execute(_REST, of_endpoint | limits).one_or_none()
    if row is None or not row.is_hopeless:
        return
    company_id, endpoint_id = delivery.company_id, delivery.endpoint_id
    connection.execute(_DISABLE, {"endpoint_id": endpoint_id, "now": now})
    details = {"endpoint_id": endpoint_id, "url": row.url}
    open_notice(connection, company_id, ENDPOINT_DISABLED, str(endpoint_id), details, now=now)
    about = f"webhook_endpoint:{endpoint_id}"
    note_access(connection, company_id, DISABLED_FACT, about=about, actor=_ACTOR, now=now, reason="failing")
