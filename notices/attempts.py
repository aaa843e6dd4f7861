"""Record what came of attempts to send deliveries: over, to be tried again, or an endpoint disabled."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from notices.causes import open_notice
from notices.claims import Delivery, Standing
from notices.vocabulary import ENDPOINT_DISABLED
from runtime.jitter import jitter
from runtime.later import later
from tenants.access_facts import ENDPOINT_DISABLED as DISABLED_FACT
from tenants.access_facts import note_access

DISABLED_AFTER = timedelta(days=5)

_SLOW_MS = 2000
_FIRST_REST_SECONDS = 5
_LONGEST_REST_SECONDS = 8 * 3600
_LONGEST_ENDPOINT_REST_SECONDS = 300
_ACTOR = "sender"

_KEEP_ATTEMPT = text("""
    INSERT INTO webhook_attempt (delivery_id, number, company_id, started_at, duration_ms, status, answer, error)
    VALUES (:id, :number, :company_id, :started_at, :duration_ms, :status, :answer, :error) ON CONFLICT DO NOTHING
""")
_DELIVERED = text("""
    UPDATE webhook_delivery SET status = 'delivered', ended_at = statement_timestamp()
    WHERE id = :id AND attempts = :number AND status = 'waiting'
""")
# After the last rest there is one more attempt, at the end of the three days.
_FAILED = text(f"""
    UPDATE webhook_delivery SET
        status = CASE WHEN n.now >= give_up_at THEN 'failed' ELSE status END,
        ended_at = CASE WHEN n.now >= give_up_at THEN n.now END,
        due_at = least(give_up_at,
            {later("n.now", ":jitter * least(:longest, :first * power(4, least(attempts, 10) - 1))")})
    FROM (SELECT statement_timestamp() AS now) n
    WHERE id = :id AND attempts = :number AND status = 'waiting'
""")  # noqa: S608 - our own words
_REST = text(f"""
    UPDATE webhook_endpoint SET failures = failures + 1, standing = 'slow',
        failing_since = least(failing_since, statement_timestamp()),
        busy_until = statement_timestamp(),
        rests_until = {later("statement_timestamp()", "least(:longest, power(2, least(failures, 20)))")}
    WHERE id = :endpoint_id AND busy_until = :busy_until
    RETURNING busy_until - failing_since >= :disabled_after AND disabled_at IS NULL AS is_hopeless, url
""")  # noqa: S608 - our own words
_RECOVER = text("""
    UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, standing = :standing,
        busy_until = statement_timestamp()
    WHERE id = :endpoint_id AND busy_until = :busy_until
""")
_DISABLE = text("""
    UPDATE webhook_endpoint SET disabled_at = :now, disabled_because = 'failing' WHERE id = :endpoint_id
""")


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
            updated = connection.execute(_FAILED, of_delivery | rest | {"jitter": jitter(0.75, 1.25)})
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
