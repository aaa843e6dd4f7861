"""Report the health of a company's connection, and pause or resume it."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection

from app.auth.access import principal
from app.wiring.tools import current_tools
from backlog.syncs.health import ConnectionHealth, connection_health
from runtime.database import within_company


def health_of(company_id: int) -> ConnectionHealth:
    """Return the current health of a company's connection."""
    with within_company(current_tools().engine, company_id) as connection:
        return health_in(connection, company_id)


def health_in(connection: Connection, company_id: int) -> ConnectionHealth:
    """Return the current health of a company's connection, as this transaction sees it."""
    tools = current_tools()
    interval = timedelta(seconds=tools.sync_interval_seconds)
    return connection_health(connection, company_id, tools.clock(), interval=interval)


def take_step(company_id: int, step: Callable[..., bool]) -> None:
    """Pause or resume a connection: `step` is from `events.connection.lifecycle`. Commits; safe to repeat.

    :raises NotConnectedError: there is no connection, or it has to be reauthorized
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        step(connection, company_id, actor=principal().actor, now=tools.clock())
