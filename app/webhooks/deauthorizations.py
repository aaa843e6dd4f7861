"""Close a connection as soon as Stripe reports that the account's owner has revoked our access."""

import logging
from datetime import datetime

from sqlalchemy import Engine

from events.connection.accounts import Account
from events.connection.lifecycle import owner_of
from events.log.append import NewEvent
from notices.connections import lose_access
from runtime.database import across_companies

DEAUTHORIZED_BY_STRIPE = "account.application.deauthorized"

_log = logging.getLogger(__name__)


def close_connection(engine: Engine, event: NewEvent, *, now: datetime) -> None:
    """Close the connection of the account that the event is about, in the event's own mode. Commits; safe to repeat.

    An event about an account that nobody owns, or from before it was connected again, changes nothing.
    """
    if event.account_id is None:
        return
    with across_companies(engine) as connection:
        company_id = owner_of(connection, Account(event.account_id, event.livemode))
        is_new = company_id is not None and lose_access(
            connection,
            company_id,
            reason="stripe_event",
            occurred_at=event.occurred_at or now,
            now=now,
            external_id=f"deauthorized:{event.external_id}",
        )
    if is_new:
        _log.warning("connection deauthorized", extra={"company_id": company_id})
