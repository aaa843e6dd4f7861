"""Schedule syncs: one row per company, so that any number of clocks start one run per company and period."""

import logging
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from backlog.syncs.requests import request_sync
from events.connection.lifecycle import NotConnectedError
from runtime.sqlstates import is_outage

_ACTOR = "clock"
_AT_ONCE = 100
_REFUSED_SECONDS = 300

_log = logging.getLogger(__name__)

# A company that connected and was never synced is due at once.
_ENROL = text("""
    INSERT INTO sync_schedule (company_id, next_sync_at)
    SELECT c.company_id, :now FROM stripe_connection c
    WHERE c.status = 'connected' AND NOT EXISTS (SELECT FROM sync_schedule s WHERE s.company_id = c.company_id)
    ON CONFLICT DO NOTHING
""")
_DUE = text("""
    SELECT s.company_id FROM sync_schedule s
    WHERE s.next_sync_at <= :now AND EXISTS (
        SELECT FROM stripe_connection c WHERE c.company_id = s.company_id AND c.status = 'connected')
    ORDER BY s.next_sync_at LIMIT :most
""")
# Only one of several clocks takes the row: the others wait for it, and find it no longer due.
_TAKE = text("""
    UPDATE sync_schedule s SET next_sync_at = :now + make_interval(secs => :period)
    WHERE s.company_id = :company_id AND s.next_sync_at <= :now
    RETURNING EXISTS (SELECT FROM sync_run r WHERE r.company_id = s.company_id) AS has_run
""")
_NEXT_SYNC_AT = text("SELECT next_sync_at FROM sync_schedule WHERE company_id = :company_id")


def request_due_syncs(engine: Engine, *, now: datetime, period_seconds: int) -> int:
    """Request one sync for every company that is due, however long it has been; return how many. Commits.

    A company whose log refuses events is due again in five minutes, and delays no other company.
    """
    with engine.begin() as connection:
        connection.execute(_ENROL, {"now": now})
        due = connection.execute(_DUE, {"now": now, "most": _AT_ONCE}).scalars().all()
    return sum(_is_requested(engine, company_id, now, period_seconds) for company_id in due)


def _is_requested(engine: Engine, company_id: int, now: datetime, period_seconds: int) -> bool:
    parameters = {"company_id": company_id, "now": now}
    try:
        with engine.begin() as connection:
            taken = connection.execute(_TAKE, parameters | {"period": period_seconds}).one_or_none()
            if taken is not None:
                trigger = "scheduled" if taken.has_run else "initial"
                # A pause or disconnection at this moment ends the run before its first page.
                with suppress(NotConnectedError):
                    request_sync(connection, company_id, trigger=trigger, actor=_ACTOR, now=now)
            return taken is not None
    except DBAPIError as error:
        if is_outage(error):
            raise
        _log.warning("sync not asked for", extra={"company_id": company_id, "error": type(error).__name__})
    with engine.begin() as connection:
        connection.execute(_TAKE, parameters | {"period": min(period_seconds, _REFUSED_SECONDS)})
    return False


def next_sync_at(connection: Connection, company_id: int) -> datetime | None:
    """Return when a company is due next, or None before its first run was requested."""
    at: datetime | None = connection.execute(_NEXT_SYNC_AT, {"company_id": company_id}).scalar()
    return at
