"""How a company's connection stands now, and the two steps that change no more than that."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from backlog.syncs.schedule import next_sync_at
from events.connection.health import ConnectionHealth, connection_of
from runtime.database import within_company


def health_of(company_id: int) -> ConnectionHealth:
    """Tell how a company's connection does now."""
    with within_company(current_tools().engine, company_id) as connection:
        return health_in(connection, company_id)


def health_in(connection: Connection, company_id: int) -> ConnectionHealth:
    """Tell how a company's connection does now, as this transaction sees it."""
    tools = current_tools()
    interval = timedelta(seconds=tools.sync_interval_seconds)
    told = connection_of(connection, company_id, tools.clock(), interval=interval)
    due = next_sync_at(connection, company_id)
    if told.next_sync_at is None or due is None:
        return told
    # The schedule knows better: after a failure the next is sooner.
    return told._replace(next_sync_at=max(due, tools.clock()))


def take_step(company_id: int, step: Callable[..., bool]) -> None:
    """Have whoever asks take a step of `events.connection.lifecycle`: pause or resume. Commits; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        step(connection, company_id, actor=principal().actor, now=tools.clock())
