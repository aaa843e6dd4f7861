"""Plan what a run reads, once, as segments that are then read concurrently. Commits nothing."""

from datetime import datetime

from sqlalchemy import Connection, text

from backlog.fetch_requests import try_failed_again
from backlog.sync_vocabulary import RESOURCES
from stripe_gateway.pages import EVENT_TYPES
from workers.syncs.leases import Lease

# What happened at the very end of the last run is read again: duplicates do no harm.
_OVERLAP_SECONDS = 3600
# Events are kept for 30 days: https://docs.stripe.com/api/events. The hour allows for clocks that differ.
_EVENTS_LAST_SECONDS = 30 * 86_400 - 3600

_OPENED = text("""
    UPDATE sync_run SET coverage_to = :now WHERE id = :run_id AND coverage_to IS NULL RETURNING id
""")
_COMPLETE_TO = text("""
    SELECT coverage_to FROM sync_run
    WHERE company_id = :company_id AND account_id = :account_id AND livemode = :livemode AND status = 'succeeded'
    ORDER BY id DESC LIMIT 1
""")
_OPEN = text("""
    INSERT INTO sync_segment (run_id, number, company_id, resource, created_from)
    VALUES (:run_id, :number, :company_id, :resource, :created_from) ON CONFLICT DO NOTHING
""")
_ADOPT = text("""
    WITH earlier AS (
        SELECT id FROM sync_run WHERE company_id = :company_id AND account_id = :account_id AND livemode = :livemode
          AND id < :run_id ORDER BY id DESC LIMIT 1
    ), resumable AS (
        SELECT id FROM sync_run r WHERE id = (SELECT id FROM earlier) AND r.status = 'failed'
          AND r.finished_at > CAST(:now AS timestamptz) - interval '1 hour'
    ), adopted AS (
        INSERT INTO sync_segment (run_id, number, company_id, resource, created_from, created_before, cursor,
                                  oldest_created, page_limit, pages, objects, newest_created, ended_as)
        SELECT :run_id, number, company_id, resource, created_from, created_before, cursor, oldest_created, page_limit,
               pages, objects, newest_created, nullif(ended_as, 'forbidden')
        FROM sync_segment WHERE run_id = (SELECT id FROM resumable) RETURNING number
    ), sighted AS (
        UPDATE sync_sighting SET run_id = :run_id
        WHERE company_id = :company_id AND run_id = (SELECT id FROM resumable)
    ), noted AS (
        UPDATE sync_credit_note_sighting SET run_id = :run_id
        WHERE company_id = :company_id AND run_id = (SELECT id FROM resumable)
    ), dated AS (
        UPDATE sync_run SET coverage_to = e.coverage_to FROM sync_run e
        WHERE sync_run.id = :run_id AND e.id = (SELECT id FROM resumable)
    )
    SELECT count(*) AS segments FROM adopted
""")


def open_segments(connection: Connection, lease: Lease, *, now: datetime) -> None:
    """Plan what a run reads, once; a run after one that failed within the hour continues where that one stopped.

    The events feed is read as well, from an hour before the last successful run began, as far as Stripe still has it.
    """
    of_run = {"run_id": lease.run_id, "company_id": lease.company_id}
    account = {"account_id": lease.account.account_id, "livemode": lease.account.livemode}
    opened = connection.execute(_OPENED, of_run | {"now": now}).scalar()
    if not opened:
        return
    try_failed_again(connection, lease.company_id, livemode=lease.account.livemode)
    if connection.execute(_ADOPT, {**of_run, **account, "now": now}).one().segments:
        return
    complete_to = connection.execute(_COMPLETE_TO, {**of_run, **account}).scalar()
    since: int | None = None
    if complete_to is not None:
        since = max(int(complete_to.timestamp()) - _OVERLAP_SECONDS, int(now.timestamp()) - _EVENTS_LAST_SECONDS)
    lists = [name for name in RESOURCES if since is not None or name not in EVENT_TYPES]
    for number, name in enumerate(lists, 1):
        created_from = since if name in EVENT_TYPES else None
        connection.execute(_OPEN, {**of_run, "number": number, "resource": name, "created_from": created_from})
