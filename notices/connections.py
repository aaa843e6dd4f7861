"""Tell what becomes of a company's connection and of its syncs, to endpoints and to people."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from events.connection.accounts import connection_state
from events.connection.lifecycle import DeauthorizationReason, note_deauthorized
from notices.announcements import announce
from notices.causes import close_notice, open_notice
from notices.vocabulary import ACTION_REQUIRED, SYNC_FAILED, SYNC_SUCCEEDED

# One sync that fails is no reason to write: the next may succeed. If somebody has to act, it will not.
_FAILING_FOR = timedelta(hours=3)
_FAILURES_THAT_NEED_SOMEBODY = 3

_CAUSE = "stripe"
_KEEP_ENDPOINTS = text("SELECT id FROM webhook_endpoint WHERE company_id = :company_id ORDER BY id FOR KEY SHARE")


def lose_access(
    connection: Connection,
    company_id: int,
    *,
    reason: DeauthorizationReason,
    occurred_at: datetime,
    now: datetime,
    external_id: str | None = None,
) -> bool:
    """Record that access to the account was lost, and tell it; return whether anything changed. Commits nothing."""
    # Endpoints before the log, as whoever deletes one locks them.
    connection.execute(_KEEP_ENDPOINTS, {"company_id": company_id})
    if not note_deauthorized(
        connection, company_id, reason=reason, occurred_at=occurred_at, now=now, external_id=external_id
    ):
        return False
    state = connection_state(connection, company_id)
    account = {"account_id": state.account.account_id, "livemode": state.account.livemode} if state else {}
    details = {**account, "reason": reason}
    open_notice(connection, company_id, ACTION_REQUIRED, _CAUSE, details, now=now)
    announce(connection, company_id, ACTION_REQUIRED, details, now=now)
    return True


def tell_success(connection: Connection, company_id: int, sync: Mapping[str, object], *, now: datetime) -> None:
    """Tell that a sync succeeded: a notice that syncs fail is over. Commits nothing."""
    announce(connection, company_id, SYNC_SUCCEEDED, sync, now=now)
    close_notice(connection, company_id, SYNC_FAILED, _CAUSE, now=now)


def tell_failure(
    connection: Connection,
    company_id: int,
    sync: Mapping[str, object],
    *,
    failing: tuple[datetime, int],
    needs_somebody: bool,
    now: datetime,
) -> None:
    """Tell that a sync failed: people only if it goes on for hours, or cannot mend itself. Commits nothing.

    `failing`: when the first sync since the last success failed, and how many did, this one included.
    """
    announce(connection, company_id, SYNC_FAILED, sync, now=now)
    since, failures = failing
    if now - since >= _FAILING_FOR or (needs_somebody and failures >= _FAILURES_THAT_NEED_SOMEBODY):
        details = {**sync, "failing_since": since.isoformat()}
        open_notice(connection, company_id, SYNC_FAILED, _CAUSE, details, now=now)
