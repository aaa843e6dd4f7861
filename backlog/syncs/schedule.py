"""Schedule syncs: one row per company, so that any number of clocks start one run per company and period."""

import logging
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from backlog.syncs.requests import request_sync
from events.connection.lifecycle import NotConnectedError
from runtime.sqlstates import is_outage

_ACTOR = "clock"
_AT_ONCE = 100
_REFUSED_SECONDS = 300
_AUDITED_AT_ONCE = 500

_log = logging.getLogger(__name__)

# A company that connected, again or for the first time, is due at once unless it is scheduled already.
_ENROL = text("""
    WITH unscheduled AS (
        SELECT company_id FROM stripe_connection WHERE status = 'connected' AND NOT is_scheduled
        LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    ), scheduled AS (
        INSERT INTO sync_schedule (company_id, next_sync_at) SELECT company_id, :now FROM unscheduled
        ON CONFLICT DO NOTHING
    )
    UPDATE stripe_connection c SET is_scheduled = true FROM unscheduled u WHERE c.company_id = u.company_id
""")
_DUE = text("SELECT company_id FROM sync_schedule WHERE next_sync_at <= :now ORDER BY next_sync_at LIMIT :most")
# Only one of several clocks takes the row: the others wait for it, and find it no longer due.
_TAKE = text("""
    UPDATE sync_schedule s SET next_sync_at = :now + make_interval(secs => :period)
    WHERE s.company_id = :company_id AND s.next_sync_at <= :now
    RETURNING EXISTS (SELECT FROM sync_run r WHERE r.company_id = s.company_id) AS has_run
""")
# Waits for a change of the connection that is under way: who connects it sees that it is not scheduled any more.
_LEAVE = text("""
    DELETE FROM sync_schedule s USING (
        SELECT company_id FROM stripe_connection WHERE company_id = :company_id AND status <> 'connected' FOR UPDATE
    ) c WHERE s.company_id = c.company_id
""")
_AUDIT = text("""
    WITH audited AS (
        SELECT company_id, status = 'connected' AND is_scheduled AS claims_to_be FROM stripe_connection
        WHERE company_id > :after ORDER BY company_id LIMIT :most
    ), lost AS (
        UPDATE stripe_connection c SET is_scheduled = false FROM audited a
        WHERE c.company_id = a.company_id AND a.claims_to_be
          AND NOT EXISTS (SELECT FROM sync_schedule s WHERE s.company_id = a.company_id)
        RETURNING c.company_id
    )
    SELECT max(company_id) AS last, count(*) AS audited, (SELECT array_agg(company_id) FROM lost) AS lost FROM audited
""")
_NEXT_SYNC_AT = text("SELECT next_sync_at FROM sync_schedule WHERE company_id = :company_id")


def request_due_syncs(engine: Engine, *, now: datetime, period_seconds: int) -> int:
    """Request one sync for every company that is due, however long it has been; return how many. Commits.

    A company whose log refuses events is due again in five minutes, and delays no other company.
    """
    with engine.begin() as connection:
        connection.execute(_ENROL, {"now": now, "most": _AT_ONCE})
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
                request_sync(connection, company_id, trigger=trigger, actor=_ACTOR, now=now)
            return taken is not None
    except NotConnectedError:
        with engine.begin() as connection:
            connection.execute(_LEAVE, {"company_id": company_id})
        return False
    except DBAPIError as error:
        if is_outage(error):
            raise
        _log.warning("sync not requested", extra={"company_id": company_id, "error": type(error).__name__})
    with engine.begin() as connection:
        connection.execute(_TAKE, parameters | {"period": min(period_seconds, _REFUSED_SECONDS)})
    return False


def audit_schedule(engine: Engine, after: int) -> int:
    """Put the next 500 companies that are connected but lost from the schedule up for it again. Commits.

    Returns the last of the companies looked at, to go on `after` it; 0 after the last of all, to begin anew.
    """
    with engine.begin() as connection:
        row = connection.execute(_AUDIT, {"after": after, "most": _AUDITED_AT_ONCE}).one()
    if row.lost:
        _log.warning("companies were lost from the schedule", extra={"company_ids": row.lost})
    return row.last if row.audited == _AUDITED_AT_ONCE else 0


def next_sync_at(connection: Connection, company_id: int) -> datetime | None:
    """Return when a company is due next, or None before its first run was requested."""
    at: datetime | None = connection.execute(_NEXT_SYNC_AT, {"company_id": company_id}).scalar()
    return at
