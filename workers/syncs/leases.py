"""Take a run that is due under a lease, commit only while it is held, and give it back. The clock is the database's.

Every commit of a run's work goes through `held`: who was overtaken while it slept finds no row, and nothing of its
transaction stands.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from events.connection.accounts import Account
from events.connection.lifecycle import stays_connected

LEASE_SECONDS = 30

_CLAIM = text("""
    UPDATE sync_run r SET epoch = r.epoch + 1, status = 'running', waits_for = NULL,
        started_at = coalesce(r.started_at, :now), lease_until = clock_timestamp() + make_interval(secs => :lease),
        phase = CASE r.phase WHEN 'queued' THEN 'listing' ELSE r.phase END,
        -- A lease that ran out was not given back: its holder is gone, or stands still.
        crashes = CASE WHEN r.lease_until IS NULL THEN 0 ELSE r.crashes + 1 END
    FROM (
        SELECT id FROM sync_run
        WHERE status IN ('queued', 'running') AND due_at <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE r.id = due.id
    RETURNING r.id, r.company_id, r.account_id, r.livemode, r.trigger, r.epoch, r.crashes, r.started_at
""")
_HOLD = text("""
    UPDATE sync_run SET lease_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = :id AND epoch = :epoch AND status = 'running' RETURNING is_cancel_requested
""")
_RELEASE = text("""
    UPDATE sync_run SET lease_until = NULL, waits_for = :waits_for,
        due_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND epoch = :epoch AND status = 'running'
""")
_PROGRESS = text("UPDATE sync_run SET crashes = 0 WHERE id = :id")
_ANY_DUE = text("""
    SELECT EXISTS (SELECT FROM sync_run WHERE status IN ('queued', 'running') AND due_at <= clock_timestamp()
                   AND (lease_until IS NULL OR lease_until < clock_timestamp()))
""")


class LeaseLostError(Exception):
    """Somebody else works on the run by now, or it is over: let go of it."""


class CancelRequestedError(Exception):
    """The run is to stop: somebody asked it to, or the account is connected no more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that this process works on, in this epoch; `crashes`: so many before it in a row kept nothing."""

    run_id: int
    company_id: int
    account: Account
    trigger: str
    epoch: int
    crashes: int
    started_at: datetime


def is_any_run_due(connection: Connection) -> bool:
    """Tell whether a run waits for somebody to work on it."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_run(engine: Engine, *, now: datetime) -> Lease | None:
    """Take the run that is due longest; None when none is due. Commits."""
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
    """Open a transaction that commits only if the lease is still held, and prolongs it.

    :raises LeaseLostError: it is not; nothing was changed
    :raises CancelRequestedError: the run is to stop; nothing was changed
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
    """Let nobody disconnect or pause the account until the caller commits: nothing is appended after that.

    :raises CancelRequestedError: somebody has
    """
    if not stays_connected(connection, lease.company_id, lease.account.account_id):
        raise CancelRequestedError


def note_progress(connection: Connection, lease: Lease) -> None:
    """Note that something of the run is kept now. Commits nothing."""
    if lease.crashes:
        connection.execute(_PROGRESS, {"id": lease.run_id})


def release(engine: Engine, lease: Lease, *, for_seconds: float = 0, waits_for: str | None = None) -> None:
    """Give the run back, to be gone on with after some seconds. Commits; without effect when the lease was lost."""
    with engine.begin() as connection:
        connection.execute(
            _RELEASE, {"id": lease.run_id, "epoch": lease.epoch, "seconds": for_seconds, "waits_for": waits_for}
        )
