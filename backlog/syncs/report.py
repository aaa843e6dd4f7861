"""Show a sync run as JSON."""

from datetime import datetime

from sqlalchemy import Connection, text

from backlog.sync_vocabulary import COUNTS, ERRORS
from backlog.syncs.requests import SyncRun

# The second back to which invoices are read without a gap: each segment ends where the next older one begins.
_REACHED = text("""
    SELECT to_timestamp(max(coalesce(oldest_created, created_before))) FROM sync_segment
    WHERE run_id = :run_id AND resource = 'invoices' AND ended_as IS NULL
""")
_OLDEST = text("""
    SELECT to_timestamp(min(oldest_created)) FROM sync_segment WHERE run_id = :run_id AND resource = 'invoices'
""")


def run_as_json(run: SyncRun, *, reached: object = None, has_details: bool = True) -> dict[str, object]:
    """Return a run as the API shows it. Without details, the books by month are left out."""
    return {
        "object": "sync_run",
        "id": run.id,
        "number": run.number,
        "company_id": run.company_id,
        "trigger": run.trigger,
        "status": run.status,
        "phase": run.phase,
        "waits_for": run.waits_for,
        "is_cancel_requested": run.is_cancel_requested,
        "requested_at": run.requested_at,
        "requested_by": run.requested_by,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "counts": {name: getattr(run, name) for name in COUNTS},
        "coverage": {"from": run.coverage_from or reached, "to": run.coverage_to},
        "error": _error(run),
        "reconciliation": run.reconciliation if has_details else _summary(run.reconciliation),
    }


def told_run(run: SyncRun) -> dict[str, object]:
    """Return what webhooks and e-mails say of a run that is over: instants are text."""
    has_succeeded = run.status == "succeeded"
    return {
        "sync_id": run.id,
        "trigger": run.trigger,
        "status": run.status,
        "started_at": _as_text(run.started_at),
        "finished_at": _as_text(run.finished_at),
        "data_through": _as_text(run.coverage_to) if has_succeeded else None,
        "error": _error(run),
    }


def _as_text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def reached_back_to(connection: Connection, run: SyncRun) -> object:
    """Return the instant back to which a run under way has read without a gap; None before its first page."""
    of_run = {"run_id": run.id}
    return connection.execute(_REACHED, of_run).scalar() or connection.execute(_OLDEST, of_run).scalar()


def _error(run: SyncRun) -> dict[str, object] | None:
    if run.error_code is None:
        return None
    known = ERRORS[run.error_code]
    return {
        "code": run.error_code,
        "title": known.title,
        "what_you_can_do": known.what_you_can_do,
        "detail": run.error_detail,
    }


def _summary(reconciliation: dict[str, object] | None) -> dict[str, object] | None:
    if reconciliation is None:
        return None
    return {name: value for name, value in reconciliation.items() if name != "books"}
