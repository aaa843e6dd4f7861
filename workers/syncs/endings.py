"""End a run: store its outcome, schedule the next and append the fact, in one transaction. Commits nothing."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from backlog.sync_vocabulary import ERRORS
from backlog.syncs.report import told_run
from backlog.syncs.requests import SyncRun, finished_fact
from backlog.syncs.run_counts import note_ended
from events.log.append import append
from notices.connections import tell_failure, tell_success
from runtime.later import later
from workers.syncs.leases import Lease, LeaseLostError

_ACTOR = "sync"
_FIRST_RETRY_SECONDS = 60
# Less than the hour in which a run continues where the last one stopped, and soon enough once the cause is fixed.
_LONGEST_RETRY_SECONDS = 1800

_FINISH = text("""
    UPDATE sync_run SET status = :status, phase = 'finished', finished_at = :now, lease_until = NULL, waits_for = NULL,
        error_code = :error_code, error_detail = :error_detail, reconciliation = CAST(:reconciliation AS jsonb),
        coverage_from = (SELECT to_timestamp(min(created)) FROM sync_sighting
                         WHERE company_id = :company_id AND run_id = :id)
    WHERE id = :id AND epoch = :epoch AND status = 'running'
    RETURNING *
""")
_FORGET_SEGMENTS = text("DELETE FROM sync_segment WHERE company_id = :company_id AND run_id <= :id")
_FORGET_CHANGES = text("DELETE FROM sync_change WHERE run_id = :id")
_FORGET_SIGHTINGS = text("DELETE FROM sync_sighting WHERE company_id = :company_id AND run_id < :id")
_FORGET_CREDIT_NOTES = text("DELETE FROM sync_credit_note_sighting WHERE company_id = :company_id AND run_id < :id")
# After a failure the next run starts soon, and then less and less often.
_NOW = "CAST(:now AS timestamptz)"
_SCHEDULE = text(f"""
    INSERT INTO sync_schedule AS s (company_id, failures, next_sync_at)
    VALUES (:company_id, CASE WHEN :is_failure THEN 1 ELSE 0 END,
            {later(_NOW, "CASE WHEN :is_failure THEN least(:first, :longest, :period) ELSE :period END")})
    ON CONFLICT (company_id) DO UPDATE SET
        failures = CASE WHEN :is_failure THEN least(s.failures + 1, 20) ELSE 0 END,
        next_sync_at = {
    later(
        _NOW,
        "CASE WHEN :is_failure THEN least(:first * power(2, s.failures), :longest, :period) ELSE :period END",
    )
}
""")  # noqa: S608 - our own words
# The first sync that failed since the last that did not, and how many did, the one that has just ended included.
_FAILING = text("""
    SELECT min(finished_at) AS since, count(*) AS failures FROM sync_run
    WHERE company_id = :company_id AND status = 'failed' AND id > coalesce((
        SELECT max(id) FROM sync_run
        WHERE company_id = :company_id AND status IN ('succeeded', 'partially_succeeded')), 0)
""")


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome of a run; `error` is a code of `sync_vocabulary.ERRORS` and a description of what happened."""

    status: str
    reconciliation: dict[str, object] | None = None
    error: tuple[str, str] | None = None


def finish(connection: Connection, lease: Lease, ending: Ending, *, now: datetime, period_seconds: int) -> None:
    """End the run, and schedule the next. Commits nothing.

    :raises LeaseLostError: the lease is lost; nothing was changed
    """
    code, detail = ending.error or (None, None)
    run = connection.execute(
        _FINISH,
        {
            "id": lease.run_id,
            "epoch": lease.epoch,
            "company_id": lease.company_id,
            "status": ending.status,
            "now": now,
            "error_code": code,
            "error_detail": detail,
            "reconciliation": None if ending.reconciliation is None else json.dumps(ending.reconciliation),
        },
    ).one_or_none()
    if run is None:
        raise LeaseLostError
    connection.execute(_FORGET_CHANGES, {"id": lease.run_id})
    if ending.status != "failed":
        connection.execute(_FORGET_SEGMENTS, {"company_id": lease.company_id, "id": lease.run_id})
        connection.execute(_FORGET_SIGHTINGS, {"company_id": lease.company_id, "id": lease.run_id})
        connection.execute(_FORGET_CREDIT_NOTES, {"company_id": lease.company_id, "id": lease.run_id})
    connection.execute(
        _SCHEDULE,
        {
            "company_id": lease.company_id,
            "now": now,
            "is_failure": ending.status == "failed",
            "first": _FIRST_RETRY_SECONDS,
            "longest": _LONGEST_RETRY_SECONDS,
            "period": period_seconds,
        },
    )
    _tell(connection, run, now=now)
    append(connection, lease.company_id, [finished_fact(run, now=now, actor=_ACTOR)])
    note_ended(connection, run.status, repaired=run.repaired, ended_at=now)


def _tell(connection: Connection, run: SyncRun, *, now: datetime) -> None:
    if run.status == "failed":
        failing = connection.execute(_FAILING, {"company_id": run.company_id}).one()
        tell_failure(
            connection,
            run.company_id,
            told_run(run),
            failing=(failing.since, failing.failures),
            needs_somebody=ERRORS[run.error_code].has_to_act,
            now=now,
        )
    elif run.status != "canceled":
        tell_success(connection, run.company_id, told_run(run), now=now)
