"""Request and cancel syncs. A company has at most one run under way: further requests return that run."""

from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert

from backlog.sync_vocabulary import ACTIVE
from backlog.syncs.run_counts import note_ended
from backlog.tables import sync_request_key, sync_run
from events.connection.accounts import Account, connection_fact, connection_state
from events.connection.lifecycle import NotConnectedError
from events.log.append import NewEvent, append

SyncRun = Row[tuple[object, ...]]

SYNC_REQUESTED = "sync.requested"
SYNC_FINISHED = "sync.finished"


_CANCEL = text("""
    UPDATE sync_run SET is_cancel_requested = true, due_at = least(due_at, statement_timestamp())
    WHERE id = :id AND company_id = :company_id AND status IN ('queued', 'running')
""")
_CLAIM_KEY = text("""
    INSERT INTO sync_request_key (company_id, idempotency_key) VALUES (:company_id, :idempotency_key)
    ON CONFLICT DO NOTHING
""")
_KEEP_KEY = text("""
    UPDATE sync_request_key SET run_id = :run_id
    WHERE company_id = :company_id AND idempotency_key = :idempotency_key
""")
_OF_KEY = (
    select(sync_run)
    .join(sync_request_key, sync_request_key.c.run_id == sync_run.c.id)
    .where(
        sync_request_key.c.company_id == bindparam("of_company"),
        sync_request_key.c.idempotency_key == bindparam("of_key"),
        sync_run.c.company_id == bindparam("of_company"),
    )
)


def request_sync(
    connection: Connection,
    company_id: int,
    *,
    trigger: str,
    actor: str,
    now: datetime,
    idempotency_key: str | None = None,
) -> SyncRun:
    """Return a new run, the one under way, or the one that this key returned before. Commits nothing; safe to repeat.

    Wake the sync queue after the commit; without that, the clock finds the run.

    :raises NotConnectedError: no account is connected, or the connection is paused or has to be reauthorized
    """
    state = connection_state(connection, company_id)
    if state is None or state.status != "connected":
        raise NotConnectedError(state.status if state else None)
    # This waits for a concurrent request with the same key.
    of_key = {"company_id": company_id, "idempotency_key": idempotency_key}
    if idempotency_key is not None and not connection.execute(_CLAIM_KEY, of_key).rowcount:
        return connection.execute(_OF_KEY, {"of_company": company_id, "of_key": idempotency_key}).one()
    run = _new_or_active(connection, company_id, state.account, trigger=trigger, actor=actor, now=now)
    if idempotency_key is not None:
        connection.execute(_KEEP_KEY, of_key | {"run_id": run.id})
    return run


def active_run(connection: Connection, company_id: int) -> SyncRun | None:
    """Return the company's run under way, if there is one."""
    return connection.execute(
        select(sync_run).where(sync_run.c.company_id == company_id, sync_run.c.status.in_(ACTIVE))
    ).one_or_none()


def find_run(connection: Connection, company_id: int, run_id: int) -> SyncRun | None:
    """Return one of the company's runs; None if there is no such run."""
    return connection.execute(
        select(sync_run).where(sync_run.c.company_id == company_id, sync_run.c.id == run_id)
    ).one_or_none()


def list_runs(connection: Connection, company_id: int, *, limit: int, before: int | None = None) -> list[SyncRun]:
    """Return the company's runs, newest first; with `before`, only those with lower ids."""
    runs = select(sync_run).where(sync_run.c.company_id == company_id).order_by(sync_run.c.id.desc()).limit(limit)
    return list(connection.execute(runs if before is None else runs.where(sync_run.c.id < before)))


def cancel_sync(connection: Connection, company_id: int, run_id: int, *, actor: str, now: datetime) -> SyncRun | None:
    """Cancel a run: it stops before its next page, or at once if it is still queued. Return it; None if there is none.

    What it has read is kept. Commits nothing; safe to repeat, and without effect on a run that is over.
    """
    connection.execute(_CANCEL, {"id": run_id, "company_id": company_id})
    ended = connection.execute(
        update(sync_run)
        .where(sync_run.c.id == run_id, sync_run.c.company_id == company_id, sync_run.c.status == "queued")
        .values(status="canceled", phase="finished", finished_at=now)
        .returning(sync_run)
    ).one_or_none()
    if ended is not None:
        append(connection, company_id, [finished_fact(ended, now=now, actor=actor)])
        note_ended(connection, ended.status, repaired=ended.repaired, ended_at=now)
    return ended or find_run(connection, company_id, run_id)


def finished_fact(run: SyncRun, *, now: datetime, actor: str) -> NewEvent:
    """Return the fact that a run is over: how it ended, and up to when the table is complete if it succeeded."""
    has_succeeded = run.status == "succeeded"
    details = {
        "trigger": run.trigger,
        "status": run.status,
        "started_at": run.started_at and run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat(),
        "data_through": run.coverage_to.isoformat() if has_succeeded and run.coverage_to else None,
        "error": {"code": run.error_code, "detail": run.error_detail} if run.error_code else None,
    }
    return sync_fact(SYNC_FINISHED, run, details, now=now, actor=actor)


def sync_fact(event_type: str, run: SyncRun, details: dict[str, object], *, now: datetime, actor: str) -> NewEvent:
    """Return a fact about a run, to be appended by the caller."""
    account = Account(run.account_id, run.livemode)
    return connection_fact(event_type, account, {"run_id": run.id, **details}, now=now, actor=actor)


def _new_or_active(
    connection: Connection, company_id: int, account: Account, *, trigger: str, actor: str, now: datetime
) -> SyncRun:
    request = (
        insert(sync_run)
        .values(
            company_id=company_id,
            account_id=account.account_id,
            livemode=account.livemode,
            trigger=trigger,
            requested_by=actor,
            requested_at=now,
        )
        .on_conflict_do_nothing()
        .returning(sync_run)
    )
    while True:
        # Looked for first: an insert that meets a run would wait for the worker that is writing what it read.
        if active := active_run(connection, company_id):
            return active
        # Without a row another request was faster, and its run may have ended meanwhile: then try again.
        if new := connection.execute(request).one_or_none():
            append(connection, company_id, [sync_fact(SYNC_REQUESTED, new, {"trigger": trigger}, now=now, actor=actor)])
            return new
