"""What programs and people alike do with syncs: ask for one, look at it, stop it."""

from flask import abort
from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from backlog.syncs import requests
from backlog.syncs.report import reached_back_to, run_as_json
from runtime.database import within_company

_LARGEST_ID = 2**63 - 1

Told = dict[str, object]


def ask_for_sync(company_id: int, *, idempotency_key: str | None = None) -> Told:
    """Give a new sync by hand, the one under way, or the one that this key was answered with. Commits; safe twice.

    :raises NotConnectedError: the company is connected to no account, or paused
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
        told = told_of(connection, run)
    tools.wake_sync()
    return told


def stop_sync(company_id: int, run_id: int) -> Told:
    """Ask a sync to stop, and give it as it stands. Commits; without effect on one that is over; else 404."""
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        found_run(connection, company_id, run_id)
        requests.cancel_sync(connection, company_id, run_id, actor=principal().actor, now=tools.clock())
        told = told_of(connection, found_run(connection, company_id, run_id))
    if told["finished_at"] is None:
        tools.wake_sync()
    return told


def found_run(connection: Connection, company_id: int, run_id: int) -> requests.SyncRun:
    """Give one of the company's syncs; any other is a 404."""
    run = requests.find_run(connection, company_id, run_id) if run_id <= _LARGEST_ID else None
    if run is None:
        abort(404)
    return run


def told_of(connection: Connection, run: requests.SyncRun, *, has_details: bool = True) -> Told:
    """Give a sync as the contract has it, and while it is under way how far back it has read."""
    reached = None if is_over(run) else reached_back_to(connection, run)
    return run_as_json(run, reached=reached, has_details=has_details)


def is_over(run: requests.SyncRun) -> bool:
    """Tell whether a sync has ended."""
    return run.finished_at is not None
