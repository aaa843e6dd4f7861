"""Do without sessions: PgBouncer in transaction mode may give each transaction to another connection of PostgreSQL.

What is otherwise set when a connection opens, its role and its limits, is set when each transaction begins, until that
ends. Nothing is prepared, and nothing runs outside of a transaction.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine
from sqlalchemy.event import contains, listen

_SETTINGS = "revmap_begins_with"


def begins_with(engine: Engine, settings: Mapping[str, str]) -> Engine:
    """Have each transaction begin with these settings of PostgreSQL, beside those given before; return the engine."""
    engine.update_execution_options(**{_SETTINGS: {**_settings_of(engine), **settings}})
    if not contains(engine, "begin", _set):
        listen(engine, "begin", _set)
    return engine


def is_pooled(engine: Engine) -> bool:
    """Return whether the engine gives each transaction its settings, rather than each connection."""
    return bool(_settings_of(engine))


def _settings_of(engine: Engine) -> Mapping[str, str]:
    settings: Mapping[str, str] = engine.get_execution_options().get(_SETTINGS, {})
    return settings


def _set(connection: Connection) -> None:
    # Together, in one round trip.
    settings = ((name, value.replace("'", "''")) for name, value in _settings_of(connection.engine).items())
    connection.exec_driver_sql(
        "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings)
    )
