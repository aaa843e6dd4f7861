"""How a company's connection does, in three separate facts: how it stands, how its syncs go, and how far data reach."""

import json
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, select, text

from events.connection.accounts import ENTITY, Method, Status, standing_of
from events.intake.receive import STRIPE_SOURCE
from events.log.payloads import decompressed
from events.log.tables import event

SYNC_REQUESTED = "sync.requested"
SYNC_FINISHED = "sync.finished"

Health = Literal["never_synced", "syncing", "healthy", "delayed", "failing", "action_required"]

# A sync that is late by less is one that is under way.
_GRACE = timedelta(hours=1)
_FAILING_AFTER_INTERVALS = 2
_FACTS_LOOKED_AT = 200
# Events come between what syncs read; far back there is no need to look.
_LAST_EVENT_AT = text("""
    SELECT recorded_at FROM event
    WHERE company_id = :company_id AND source = :source
      AND position > (SELECT position FROM company_head WHERE company_id = :company_id) - 2000
    ORDER BY position DESC LIMIT 1
""")
_DONE_WELL = frozenset({"succeeded", "partially_succeeded"})


class ConnectionHealth(NamedTuple):
    """A connection as its company sees it. All instants are aware UTC; those not known are None."""

    status: Status | Literal["pending_authorization"]
    health: Health
    account_id: str | None
    account_name: str | None
    livemode: bool | None
    method: Method | None
    authorized_at: datetime | None
    last_success_at: datetime | None
    next_sync_at: datetime | None
    data_through: datetime | None


class _Syncs(NamedTuple):
    is_running: bool = False
    has_failed_last: bool = False
    last_asked_at: datetime | None = None
    last_success_at: datetime | None = None
    data_through: datetime | None = None


def connection_of(
    connection: Connection, company_id: int, now: datetime, *, interval: timedelta = timedelta(days=1)
) -> ConnectionHealth:
    """Tell how a company's connection does. `interval` is the time between two syncs that nobody asks for."""
    standing = standing_of(connection, company_id)
    if standing is None:
        return ConnectionHealth("pending_authorization", "never_synced", *[None] * 8)
    syncs = _syncs_of(connection, company_id)
    next_sync_at = None
    if standing.status == "connected":
        next_sync_at = max(syncs.last_asked_at + interval, now) if syncs.last_asked_at else now
    return ConnectionHealth(
        standing.status,
        _health(standing.status, syncs, since=standing.authorized_at, now=now, interval=interval),
        standing.account.account_id,
        standing.account_name,
        standing.account.livemode,
        standing.method,
        standing.authorized_at,
        syncs.last_success_at,
        next_sync_at,
        syncs.data_through,
    )


def last_event_at(connection: Connection, company_id: int) -> datetime | None:
    """Tell when Stripe last sent an event by itself; None when the last 2000 facts came in other ways."""
    at: datetime | None = connection.execute(
        _LAST_EVENT_AT, {"company_id": company_id, "source": STRIPE_SOURCE}
    ).scalar()
    return at


def _health(status: Status, syncs: _Syncs, *, since: datetime, now: datetime, interval: timedelta) -> Health:
    if status == "reauthorization_required":
        return "action_required"
    if syncs.is_running and status == "connected":
        return "syncing"
    if syncs.last_success_at is None and not syncs.has_failed_last:
        return "never_synced"
    age = now - (syncs.last_success_at or since)
    if age > interval * _FAILING_AFTER_INTERVALS or syncs.last_success_at is None:
        return "failing"
    return "delayed" if age > interval + _GRACE else "healthy"


def _syncs_of(connection: Connection, company_id: int) -> _Syncs:
    rows = connection.execute(
        select(event.c.type, event.c.recorded_at, event.c.payload_zstd)
        .where(
            event.c.company_id == company_id,
            event.c.entity == ENTITY,
            event.c.type.in_((SYNC_REQUESTED, SYNC_FINISHED)),
        )
        .order_by(event.c.position.desc())
        .limit(_FACTS_LOOKED_AT)
    ).all()
    told: list[tuple[str, datetime, dict[str, Any]]] = [
        (row.type, row.recorded_at, json.loads(decompressed(row.payload_zstd))) for row in rows
    ]
    finished = [details for fact, _, details in told if fact == SYNC_FINISHED]
    done = next((details for details in finished if details["status"] in _DONE_WELL), {})
    ended = {details["run_id"] for details in finished}
    asked = [(at, details["run_id"]) for fact, at, details in told if fact == SYNC_REQUESTED]
    return _Syncs(
        is_running=bool(asked) and asked[0][1] not in ended,
        has_failed_last=bool(finished) and finished[0]["status"] == "failed",
        last_asked_at=asked[0][0] if asked else None,
        last_success_at=_instant(done.get("finished_at")),
        data_through=_instant(done.get("data_through")),
    )


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
