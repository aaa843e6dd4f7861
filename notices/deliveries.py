"""Look at deliveries and send them again. Nothing here sends: see `notices.claims`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Row, select, text

from notices.tables import webhook_attempt, webhook_delivery

_KEPT_DAYS = 30

_REDELIVER = text("""
    UPDATE webhook_delivery SET status = 'waiting', ended_at = NULL, due_at = statement_timestamp(),
        give_up_at = statement_timestamp() + interval '3 days'
    WHERE id = :id AND endpoint_id = :endpoint_id AND company_id = :company_id AND status <> 'waiting'
""")
_HASTEN = text("""
    UPDATE webhook_delivery SET due_at = least(due_at, statement_timestamp())
    WHERE id = :id AND endpoint_id = :endpoint_id AND company_id = :company_id AND status = 'waiting'
""")
_END_REST = text("""
    UPDATE webhook_endpoint SET rests_until = '-infinity' WHERE id = :endpoint_id AND company_id = :company_id
""")
_PURGE = text("""
    DELETE FROM webhook_delivery WHERE ended_at < statement_timestamp() - make_interval(days => :days)
""")
_BACKLOG = text("""
    SELECT count(*) AS waiting, min(d.occurred_at) AS oldest FROM webhook_delivery d
    JOIN webhook_endpoint e ON e.id = d.endpoint_id WHERE d.status = 'waiting' AND e.disabled_at IS NULL
""")


class Backlog(NamedTuple):
    """How much is waiting to be sent, and since when."""

    waiting: int
    oldest: datetime | None


def list_deliveries(
    connection: Connection, company_id: int, endpoint_id: int, *, limit: int, before: int | None
) -> Sequence[Row[tuple[object, ...]]]:
    """Return an endpoint's deliveries, newest first; with `before`, only those with lower ids."""
    held = webhook_delivery.c
    statement = (
        select(webhook_delivery)
        .where(held.company_id == company_id, held.endpoint_id == endpoint_id)
        .order_by(held.id.desc())
        .limit(limit)
    )
    return connection.execute(statement if before is None else statement.where(held.id < before)).all()


def find_delivery(
    connection: Connection, company_id: int, endpoint_id: int, delivery_id: int
) -> Row[tuple[object, ...]] | None:
    """Return one of an endpoint's deliveries; None if there is no such delivery."""
    held = webhook_delivery.c
    return connection.execute(
        select(webhook_delivery).where(
            held.company_id == company_id, held.endpoint_id == endpoint_id, held.id == delivery_id
        )
    ).one_or_none()


def attempts_of(
    connection: Connection, company_id: int, delivery_ids: Sequence[int]
) -> Sequence[Row[tuple[object, ...]]]:
    """Return all attempts of these deliveries, in order."""
    held = webhook_attempt.c
    return connection.execute(
        select(webhook_attempt)
        .where(held.company_id == company_id, held.delivery_id.in_(delivery_ids))
        .order_by(held.delivery_id, held.number)
    ).all()


def redeliver(connection: Connection, company_id: int, endpoint_id: int, delivery_id: int) -> None:
    """Send a delivery again, with the same id and body: at once, and then as often as a new one. Commits nothing."""
    of_delivery = {"company_id": company_id, "endpoint_id": endpoint_id, "id": delivery_id}
    connection.execute(_REDELIVER, of_delivery)
    connection.execute(_HASTEN, of_delivery)
    connection.execute(_END_REST, of_delivery)


def purge_deliveries(connection: Connection) -> None:
    """Delete deliveries that were accepted or given up a month ago. Commits nothing."""
    connection.execute(_PURGE, {"days": _KEPT_DAYS})


def delivery_backlog(connection: Connection) -> Backlog:
    """Return how many webhooks of all companies wait, except for endpoints that are disabled.

    Needs `across_companies`.
    """
    return Backlog(*connection.execute(_BACKLOG).one())
