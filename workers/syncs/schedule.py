"""Who is due for a sync: a row per company, so that any number of clocks make one run per company and period."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from events.connections import NotConnectedError
from workers.syncs.requests import request_sync

_ACTOR = "clock"
_AT_ONCE = 100

# A company that connected and was never synced is due at once.
_ENROL = text("""
    INSERT INTO sync_schedule (company_id, next_sync_at)
    SELECT c.company_id, :now FROM stripe_connection c
    WHERE c.status = 'connected' AND NOT EXISTS (SELECT FROM sync_schedule s WHERE s.company_id = c.company_id)
    ON CONFLICT DO NOTHING
""")
_DUE = text("""
    SELECT s.company_id, EXISTS (SELECT FROM sync_run r WHERE r.company_id = s.company_id) AS has_run
    FROM sync_schedule s
    WHERE s.next_sync_at <= :now AND EXISTS (
        SELECT FROM stripe_connection c WHERE c.company_id = s.company_id AND c.status = 'connected')
    ORDER BY s.next_sync_at LIMIT :most FOR UPDATE OF s SKIP LOCKED
""")
_NEXT = text("""
    UPDATE sync_schedule SET next_sync_at = :now + make_interval(secs => :period) WHERE company_id = :company_id
""")
_NEXT_SYNC_AT = text("SELECT next_sync_at FROM sync_schedule WHERE company_id = :company_id")


def request_due_syncs(engine: Engine, *, now: datetime, period_seconds: int) -> int:
    """Ask for a sync of every company that is due, once however long it has been due; give how many. Commits."""
    with engine.begin() as connection:
        connection.execute(_ENROL, {"now": now})
        due = connection.execute(_DUE, {"now": now, "most": _AT_ONCE}).all()
        for row in due:
            trigger = "scheduled" if row.has_run else "initial"
            # Whoever pauses or disconnects at this moment ends the run before its first page.
            with suppress(NotConnectedError):
                request_sync(connection, row.company_id, trigger=trigger, actor=_ACTOR, now=now)
            connection.execute(_NEXT, {"company_id": row.company_id, "now": now, "period": period_seconds})
    return len(due)


def next_sync_at(connection: Connection, company_id: int) -> datetime | None:
    """Give when a company is due next; None before its first run was asked for."""
    at: datetime | None = connection.execute(_NEXT_SYNC_AT, {"company_id": company_id}).scalar()
    return at
