"""Lease a run that is due, commit only while the lease is held, and release it. Times are the database's.

Every commit of a run's work goes through `held`: a worker whose lease was taken over finds no row, and its transaction
is rolled back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from events.connection.accounts import Account
from events.connection.lifecycle import lock_if_connected

LEASE_SECONDS = 30

# Chosen apart from the change: PostgreSQL may run a subquery in FROM once for each row, and choose another every time.
_CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT id FROM sync_run
        WHERE status IN ('queued', 'running') AND due_at <= statement_timestamp()
          AND (lease_until IS NULL OR lease_until < statement_timestamp())
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE sync_run r SET epoch = r.epoch + 1, status = 'running', waits_for = NULL,
        started_at = coalesce(r.started_at, :now), lease_until = statement_timestamp() + make_interval(secs => :lease),
        phase = CASE WHEN r.phase = 'queued' THEN 'listing' ELSE r.phase END,
        -- A lease that expired was not released: its holder is gone, or hangs.
        crashes = CASE WHEN r.lease_until IS NULL THEN 0 ELSE r.crashes + 1 END
    FROM due WHERE r.id = due.id
    RETURNING r.id, r.company_id, r.account_id, r.livemode, r.trigger, r.epoch, r.crashes, r.started_at
""")
_HOLD = text("""
    UPDATE sync_run SET lease_until = statement_timestamp() + make_interval(secs => :lease)
    WHERE id = :id AND epoch = :epoch AND status = 'running' RETURNING is_cancel_requested
""")
_RELEASE = text("""
    UPDATE sync_run SET lease_until = NULL, waits_for = :waits_for,
        due_at = statement_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND epoch = :epoch AND status = 'running'
""")
_PROGRESS = text("UPDATE sync_run SET crashes = 0 WHERE id = :id")
_ANY_DUE = text("""
    SELECT EXISTS (SELECT FROM sync_run WHERE status IN ('queued', 'running') AND due_at <= statement_timestamp()
                   AND (lease_until IS NULL OR lease_until < statement_timestamp()))
""")


class LeaseLostError(Exception):
    """Another worker has taken over the run, or it is over: stop working on it."""


class CancelRequestedError(Exception):
    """The run must stop: somebody canceled it, or the account is no longer connected."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A run leased by this process. `crashes` is how many leases before it in a row expired with nothing saved."""

    run_id: int
    company_id: int
    account: Account
    trigger: str
    epoch: int
    crashes: int
    started_at: datetime


def is_any_run_due(connection: Connection) -> bool:
    """Return whether a run is waiting for a worker."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_run(engine: Engine, *, now: datetime) -> Lease | None:
    """Lease the run that has been due longest; return None if none is due. Commits."""
    with engine.begin() as connection:
        row = connection.execute(_CLAIM, {"lease": LEASE_SECONDS, "now": now}).one_or_none()
    if row is None:
        return None
    return Lease(
        row.id,
        row.company_id,
        Account(row.account_id, row.livemode),
        row.trigger,
        row.epoch,
        row.crashes,
        row.started_at,
    )


@contextmanager
def held(engine: Engine, lease: Lease) -> Iterator[Connection]:
    """Open a transaction that extends the lease, and commits only if it is still held.

    :raises LeaseLostError: the lease is lost; nothing was changed
    :raises CancelRequestedError: the run must stop; nothing was changed
    """
    with engine.begin() as connection:
        row = connection.execute(
            _HOLD, {"id": lease.run_id, "epoch": lease.epoch, "lease": LEASE_SECONDS}
        ).one_or_none()
        if row is None:
            raise LeaseLostError
        if row.is_cancel_requested:
            raise CancelRequestedError
        yield connection


def keep_connected(connection: Connection, lease: Lease) -> None:
    """Keep the account from being disconnected or paused until the caller commits: nothing may be appended after that.

    :raises CancelRequestedError: it is disconnected or paused already
    """
    if not lock_if_connected(connection, lease.company_id, lease.account.account_id):
        raise CancelRequestedError


def note_progress(connection: Connection, lease: Lease) -> None:
    """Record that part of the run is now saved. Commits nothing."""
    if lease.crashes:
        connection.execute(_PROGRESS, {"id": lease.run_id})


def release(engine: Engine, lease: Lease, *, for_seconds: float = 0, waits_for: str | None = None) -> None:
    """Release the run, to be continued after some seconds. Commits; has no effect if the lease was lost."""
    with engine.begin() as connection:
        connection.execute(
            _RELEASE, {"id": lease.run_id, "epoch": lease.epoch, "seconds": for_seconds, "waits_for": waits_for}
        )
