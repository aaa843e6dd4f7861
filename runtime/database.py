"""Open PostgreSQL: one engine per process and purpose. Code that opens a transaction also commits it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError

from runtime.own_schema import as_options, is_in_own_schema, settings_of
from runtime.pooling import begins_with, is_pooled
from runtime.roles import APP, WEB

# psycopg's own connection, whose rows are tuples.
Driver = psycopg.Connection[tuple[Any, ...]]

_CONNECT_TIMEOUT_SECONDS = 1
_POOL_WAIT_SECONDS = 1
# Otherwise a server that vanished would be waited for as long as TCP retransmits: a quarter of an hour.
_UNANSWERED_MS = 15_000
_KEEP_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2}
# The same for the server: a host that vanished within a transaction must not keep others from its rows for long.
_SERVERS_KEEP_ALIVE = {f"tcp_{name}": str(seconds) for name, seconds in _KEEP_ALIVE.items()}

_WALL_IN = text(f"SELECT set_config('revmap.company_id', :company_id, true), set_config('role', '{APP}', true)")
_NAME_COMPANY = text("SELECT set_config('revmap.company_id', :company_id, true)")
_LEAVE_WALLS = text(f"SELECT set_config('role', '{WEB}', true)")
_ACTING = " -c role="
_HAS_ROLES = "revmap_has_roles"
_IN_OWN_SCHEMA = "revmap_in_own_schema"


def open_engine(  # noqa: PLR0913 - limits and ways of a connection
    database_url: str,
    *,
    name: str,
    pool_size: int,
    statement_timeout_ms: int = 30_000,
    lock_timeout_ms: int = 5_000,
    autocommit: bool = False,
    is_pooled: bool = False,
    is_checked: bool = False,
) -> Engine:
    """Create an engine whose connections use UTC and never wait without a limit.

    It connects on first use. `name` appears in pg_stat_activity. With `is_pooled` it needs no session, and nothing
    commits by itself: see `runtime.pooling`. With `is_checked` a connection that has died is replaced before use,
    at the price of a round trip each time. The address may name a schema: see `runtime.own_schema`.
    """
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    settings = settings_of(url) | {
        "timezone": "UTC",
        "statement_timeout": f"{statement_timeout_ms}ms",
        "lock_timeout": f"{lock_timeout_ms}ms",
        "idle_in_transaction_session_timeout": "60s",
    }
    of_session = {"options": as_options(settings | _SERVERS_KEEP_ALIVE)}
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=is_checked,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_recycle=1800,
        # The connection used last: it has its statements prepared, and the server its caches filled.
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "tcp_user_timeout": _UNANSWERED_MS,
            **_KEEP_ALIVE,
            "application_name": f"revmap-{name}",
            # Above what the address says: a pooler takes no options.
            **({"prepare_threshold": None, "options": ""} if is_pooled else of_session),
        },
        **({"isolation_level": "AUTOCOMMIT"} if autocommit and not is_pooled else {}),
        execution_options={_IN_OWN_SCHEMA: is_in_own_schema(url)},
    )
    return begins_with(engine, settings) if is_pooled else engine


def acting_as(engine: Engine, role: str | None, *, has_roles: bool = True) -> Engine:
    """Have connections act in a role from their first statement on; return the engine.

    A connection is refused if the role is missing, or not for its user to act in; where connections are pooled, each
    transaction. Without a role its user acts itself until it is walled in, and without any roles (DATABASE_ROLES=none)
    always.
    """

    def act(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        # A setting of the session's own: also RESET ROLE ends in it. The parameters are shared by all connections.
        if _ACTING not in parameters["options"]:
            parameters["options"] += f"{_ACTING}{role}"

    if has_roles and role is not None:
        if is_pooled(engine):
            begins_with(engine, {"role": role})
        else:
            listen(engine, "do_connect", act)
    engine.update_execution_options(**{_HAS_ROLES: has_roles})
    return engine


def acts_in_roles(engine: Engine) -> bool:
    """Return whether the engine acts in roles where it is asked to."""
    return bool(engine.get_execution_options().get(_HAS_ROLES, True))


@contextmanager
def within_company(engine: Engine, company_id: int) -> Iterator[Connection]:
    """Open a transaction that sees and changes only this company's rows; commit it at the end."""
    with engine.begin() as connection:
        wall_in(connection, company_id)
        yield connection


@contextmanager
def across_companies(engine: Engine) -> Iterator[Connection]:
    """Open a transaction of the web process that sees all companies; commit it at the end.

    For identifying a caller before the company is known, and for rows that belong to no company. It acts as
    `revmap_web`, which owns nothing.
    """
    with engine.begin() as connection:
        if acts_in_roles(engine):
            connection.execute(_LEAVE_WALLS)
        yield connection


def wall_in(connection: Connection, company_id: int) -> None:
    """Restrict the current transaction to this company until it ends, by commit or rollback."""
    if connection.engine.get_execution_options().get(_IN_OWN_SCHEMA):
        # A statement of its own: that is passed on to the node that holds the rows, a function's effect is not.
        connection.exec_driver_sql(f"SET LOCAL revmap.company_id = '{company_id:d}'")
    statement = _WALL_IN if acts_in_roles(connection.engine) else _NAME_COMPANY
    connection.execute(statement, {"company_id": str(company_id)})


def driver_of(connection: Connection) -> Driver:
    """Return psycopg's connection beneath a checked-out one, for what SQLAlchemy does not offer.

    That is COPY, server-side cursors, and pipelines: several statements sent before the first is answered. A pooled
    connection has begun its transaction, for which see `runtime.pooling`.
    """
    if is_pooled(connection.engine) and not connection.in_transaction():
        connection.begin()
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
