"""What is told of a run: its JSON, and what an error means and what to do about it."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from backlog.syncs.requests import SyncRun

COUNTS = ("invoices_listed", "invoices_new", "invoices_changed", "lines", "prices", "requests", "rate_limited")

# The oldest second up to which the newest invoices are read without a gap: segments end where the next older begins.
_REACHED = text("""
    SELECT to_timestamp(max(coalesce(oldest_created, created_before))) FROM sync_segment
    WHERE run_id = :run_id AND resource = 'invoices' AND ended_as IS NULL
""")
_OLDEST = text("""
    SELECT to_timestamp(min(oldest_created)) FROM sync_segment WHERE run_id = :run_id AND resource = 'invoices'
""")


class Meaning(NamedTuple):
    """What happened, and what whoever reads it can do."""

    title: str
    what_you_can_do: str


ERRORS: Mapping[str, Meaning] = {
    "stripe_unavailable": Meaning(
        "Stripe did not answer, or not with what was asked for.",
        "Nothing is lost. The next sync starts by itself and goes on where this one stopped; or start it now.",
    ),
    "stripe_key_refused": Meaning(
        "Stripe refuses the platform's key.",
        "Have whoever runs this installation check STRIPE_SECRET_KEY: it was rolled, or is of the other mode.",
    ),
    "account_access_lost": Meaning(
        "Stripe no longer lets us read this account.",
        "Connect the Stripe account again. What was read before stays.",
    ),
    "permission_missing": Meaning(
        "The connection may not read invoices.",
        "Connect again with a key or an authorization that may read invoices, customers and prices.",
    ),
    "projection_halted": Meaning(
        "The table stopped taking in the log, so that nothing can be proven of it.",
        "Have whoever runs this installation look at 'flask projections status'. What was read is kept in the log.",
    ),
    "worker_crashed": Meaning(
        "Worker after worker ended while it read this account.",
        "Have whoever runs this installation look at the memory and the log of the worker processes.",
    ),
}


def run_as_json(run: SyncRun, *, reached: object = None, has_details: bool = True) -> dict[str, object]:
    """Give a run as the contract has it. Without details, the books by month are left out."""
    return {
        "object": "sync_run",
        "id": run.id,
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


def reached_back_to(connection: Connection, run: SyncRun) -> object:
    """Give the instant back to which a run under way has read without a gap; None before its first page."""
    of_run = {"run_id": run.id}
    return connection.execute(_REACHED, of_run).scalar() or connection.execute(_OLDEST, of_run).scalar()


def _error(run: SyncRun) -> dict[str, object] | None:
    if run.error_code is None:
        return None
    meaning = ERRORS[run.error_code]
    told = {"code": run.error_code, "title": meaning.title, "what_you_can_do": meaning.what_you_can_do}
    return {**told, "detail": run.error_detail}


def _summary(reconciliation: dict[str, object] | None) -> dict[str, object] | None:
    if reconciliation is None:
        return None
    return {name: value for name, value in reconciliation.items() if name != "books"}
