"""Open PostgreSQL. One engine per process and purpose; who opens a transaction also commits it."""

from sqlalchemy import Engine, create_engine, make_url

_CONNECT_TIMEOUT_SECONDS = 1
_POOL_WAIT_SECONDS = 1


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
            "application_name": f"revmap-{name}",
            "options": " ".join(f"-c {key}={value}" for key, value in settings.items()),
        },
        **({"isolation_level": "AUTOCOMMIT"} if autocommit else {}),
    )
