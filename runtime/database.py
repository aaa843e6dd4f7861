"""Open PostgreSQL: one engine per process and purpose. Code that opens a transaction also commits it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

# psycopg's own connection, whose rows are tuples.
Driver = psycopg.Connection[tuple[Any, ...]]

_CONNECT_TIMEOUT_SECONDS = 1
_POOL_WAIT_SECONDS = 1
# Otherwise a server that vanished would be waited for as long as TCP retransmits: a quarter of an hour.
_UNANSWERED_MS = 15_000
_KEEP_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}

# See the migration that creates the walls. A database without the role has none yet and is not served: see /readyz.
_ENTER_WALLS = "SELECT set_config('role', 'revmap_app', false) FROM pg_roles WHERE rolname = 'revmap_app'"
_WALL_IN = text("SELECT set_config('revmap.company_id', :company_id, true), set_config('role', 'revmap_app', true)")
_LEAVE_WALLS = text("SELECT set_config('role', 'none', true)")


def open_engine(
    database_url: str,
    *,
    name: str,
    pool_size: int,
    statement_timeout_ms: int = 30_000,
    lock_timeout_ms: int = 5_000,
    autocommit: bool = False,
) -> Engine:
    """Create an engine whose connections use UTC and never wait without a limit.

    It connects on first use. `name` appears in pg_stat_activity.
    """
    settings = {
        "timezone": "UTC",
        "statement_timeout": f"{statement_timeout_ms}ms",
        "lock_timeout": f"{lock_timeout_ms}ms",
        "idle_in_transaction_session_timeout": "60s",
    }
    return create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_recycle=1800,
        # The connection used last: it has its statements prepared, and the server its caches filled.
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "tcp_user_timeout": _UNANSWERED_MS,
            **_KEEP_ALIVE,
            "application_name": f"revmap-{name}",
            "options": " ".join(f"-c {key}={value}" for key, value in settings.items()),
        },
        **({"isolation_level": "AUTOCOMMIT"} if autocommit else {}),
    )


def walled(engine: Engine) -> Engine:
    """Hide companies' rows from the engine, except in `within_company` and `as_owner`; return the engine."""
    event.listen(engine, "connect", _enter_walls)
    return engine


@contextmanager
def within_company(engine: Engine, company_id: int) -> Iterator[Connection]:
    """Open a transaction that sees and changes only this company's rows; commit it at the end."""
    with engine.begin() as connection:
        wall_in(connection, company_id)
        yield connection


@contextmanager
def as_owner(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees all companies; commit it at the end.

    For identifying a caller before the company is known, and for rows that belong to no company.
    """
    with engine.begin() as connection:
        connection.execute(_LEAVE_WALLS)
        yield connection


def wall_in(connection: Connection, company_id: int) -> None:
    """Restrict the current transaction to this company until it ends, by commit or rollback."""
    connection.execute(_WALL_IN, {"company_id": str(company_id)})


def _enter_walls(driver_connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, as the pool passes it
    # Outside a transaction: what is set inside one is undone by its rollback.
    driver_connection.autocommit = True
    driver_connection.execute(_ENTER_WALLS)
    driver_connection.autocommit = False


def driver_of(connection: Connection) -> Driver:
    """Return psycopg's connection beneath a checked-out one, for what SQLAlchemy does not offer.

    That is COPY, server-side cursors, and pipelines: several statements sent before the first is answered.
    """
    return cast("Driver", connection.connection.driver_connection)


@contextmanager
def raw_driver(connection: Connection) -> Iterator[Driver]:
    """Yield psycopg's connection beneath a checked-out one; what it raises is raised as SQLAlchemy's, as elsewhere.

    :raises sqlalchemy.exc.DBAPIError: any error of the database or of the connection to it
    """
    driver = driver_of(connection)
    try:
        yield driver
    except psycopg.Error as error:
        is_lost = driver.closed
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, connection_invalidated=is_lost, dialect=connection.dialect
        ) from error
