"""Report the health of a company's connection: its state, the success of its syncs, and how far the data reach."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, text

from backlog.syncs.schedule import next_sync_at
from events.connection.accounts import Method, Status, connection_state

Health = Literal["never_synced", "syncing", "healthy", "delayed", "failing", "action_required"]

# A sync that is late by less than this is not reported as delayed: it may still be under way.
_GRACE = timedelta(hours=1)
_FAILING_AFTER_INTERVALS = 2
# Only the runs of the account that is connected: those of an account before it say nothing about this one.
# A success is a sync that read all it could: `succeeded`, or `partially_succeeded`, which leaves differences and then
# proves nothing about how far the data reach.
_RUNS = text("""
    SELECT last.requested_at, last.status IN ('queued', 'running') AS is_running, ended.status = 'failed' AS has_failed,
           good.finished_at, CASE WHEN good.status = 'succeeded' THEN good.coverage_to END AS data_through
    FROM (
        SELECT requested_at, status FROM sync_run
        WHERE company_id = :company_id AND account_id = :account_id AND livemode = :livemode ORDER BY id DESC LIMIT 1
    ) last
    LEFT JOIN LATERAL (
        SELECT status FROM sync_run
        WHERE company_id = :company_id AND account_id = :account_id AND livemode = :livemode
          AND finished_at IS NOT NULL
        ORDER BY id DESC LIMIT 1
    ) ended ON true
    LEFT JOIN LATERAL (
        SELECT status, finished_at, coverage_to FROM sync_run
        WHERE company_id = :company_id AND account_id = :account_id AND livemode = :livemode
          AND status IN ('succeeded', 'partially_succeeded')
        ORDER BY id DESC LIMIT 1
    ) good ON true
""")


class ConnectionHealth(NamedTuple):
    """A connection as its company sees it. All instants are aware UTC, or None if unknown."""

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


class _Runs(NamedTuple):
    last_requested_at: datetime | None = None
    is_running: bool = False
    has_failed_last: bool | None = False
    last_success_at: datetime | None = None
    data_through: datetime | None = None


def connection_health(
    connection: Connection, company_id: int, now: datetime, *, interval: timedelta = timedelta(days=1)
) -> ConnectionHealth:
    """Return the health of a company's connection. `interval` is the time between two scheduled syncs."""
    state = connection_state(connection, company_id)
    if state is None:
        return ConnectionHealth("pending_authorization", "never_synced", *[None] * 8)
    row = connection.execute(_RUNS, {"company_id": company_id, **asdict(state.account)}).one_or_none()
    runs = _Runs(*row) if row else _Runs()
    return ConnectionHealth(
        state.status,
        _health(state.status, runs, since=state.authorized_at, now=now, interval=interval),
        state.account.account_id,
        state.account_name,
        state.account.livemode,
        state.method,
        state.authorized_at,
        runs.last_success_at,
        _due(connection, company_id, runs, now, interval) if state.status == "connected" else None,
        runs.data_through,
    )


def _due(connection: Connection, company_id: int, runs: _Runs, now: datetime, interval: timedelta) -> datetime:
    # The schedule comes first: after a failure the next sync is sooner. Without an entry or a run, it is due at once.
    last = runs.last_requested_at
    return max(next_sync_at(connection, company_id) or (last + interval if last else now), now)


def _health(status: Status, runs: _Runs, *, since: datetime, now: datetime, interval: timedelta) -> Health:
    if status == "reauthorization_required":
        return "action_required"
    if runs.is_running and status == "connected":
        return "syncing"
    if runs.last_success_at is None and not runs.has_failed_last:
        return "never_synced"
    age = now - (runs.last_success_at or since)
    if age > interval * _FAILING_AFTER_INTERVALS or runs.last_success_at is None:
        return "failing"
    return "delayed" if age > interval + _GRACE else "healthy"
