"""Open PostgreSQL. One engine per process and purpose; who opens a transaction also commits it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

_CONNECT_TIMEOUT_SECONDS = 1
_POOL_WAIT_SECONDS = 1
# A server that is gone without a word would else be waited for as long as TCP repeats itself: a quarter of an hour.
_UNANSWERED_MS = 15_000
_KEEP_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}

# See the migration of the walls. A database without the role has no walls yet, and is not served: see /readyz.
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
    """Give an engine whose connections speak UTC and never wait without an end.

    Nothing is connected until it is first used. `name` shows up in pg_stat_activity.
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
    """Give the engine, seeing no company's rows from now on but in `within_company` and in `as_owner`."""
    event.listen(engine, "connect", _enter_walls)
    return engine


@contextmanager
def within_company(engine: Engine, company_id: int) -> Iterator[Connection]:
    """Open a transaction that sees and changes the rows of this company alone; commit it at the end."""
    with engine.begin() as connection:
        wall_in(connection, company_id)
        yield connection


@contextmanager
def as_owner(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees all companies; commit it at the end.

    For finding out who asks, before it is known for which company, and for what belongs to no company.
    """
    with engine.begin() as connection:
        connection.execute(_LEAVE_WALLS)
        yield connection


def wall_in(connection: Connection, company_id: int) -> None:
    """Let the transaction under way see this company alone, until it ends however it ends."""
    connection.execute(_WALL_IN, {"company_id": str(company_id)})


def _enter_walls(driver_connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg's, as the pool hands it over
    # Outside of a transaction: what is set in one is taken back with it.
    driver_connection.autocommit = True
    driver_connection.execute(_ENTER_WALLS)
    driver_connection.autocommit = False
