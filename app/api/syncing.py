"""Request, look up and cancel syncs, for the API and the pages alike."""

from flask import abort
from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from backlog.syncs import requests
from backlog.syncs.report import reached_back_to, run_as_json
from runtime.database import within_company

_LARGEST_ID = 2**63 - 1

SyncDetails = dict[str, object]


def ask_for_sync(company_id: int, *, idempotency_key: str | None = None) -> SyncDetails:
    """Request a sync; return the new one, the one under way, or the one this key got before. Commits; safe to repeat.

    :raises NotConnectedError: the company has no connected account, or is paused
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        run = requests.request_sync(
            connection,
            company_id,
            trigger="manual",
            actor=principal().actor,
            now=tools.clock(),
            idempotency_key=idempotency_key,
        )
        sync = sync_details(connection, run)
    tools.wake_sync()
    return sync


def stop_sync(company_id: int, run_id: int) -> SyncDetails:
    """Ask a sync to stop, and return its current state. Commits; no effect once it is over; 404 if unknown."""
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        found_run(connection, company_id, run_id)
        requests.cancel_sync(connection, company_id, run_id, actor=principal().actor, now=tools.clock())
        sync = sync_details(connection, found_run(connection, company_id, run_id))
    if sync["finished_at"] is None:
        tools.wake_sync()
    return sync


def found_run(connection: Connection, company_id: int, run_id: int) -> requests.SyncRun:
    """Return one of the company's syncs; abort with 404 for any other."""
    run = requests.find_run(connection, company_id, run_id) if run_id <= _LARGEST_ID else None
    if run is None:
        abort(404)
    return run


def sync_details(connection: Connection, run: requests.SyncRun, *, has_details: bool = True) -> SyncDetails:
    """Return a sync as the API shows it; while it is under way, including how far back it has read."""
    reached = None if is_over(run) else reached_back_to(connection, run)
    return run_as_json(run, reached=reached, has_details=has_details)


def is_over(run: requests.SyncRun) -> bool:
    """Return whether a sync has ended."""
    return run.finished_at is not None
