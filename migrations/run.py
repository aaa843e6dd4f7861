"""Bring a database to the schema this code expects, and tell where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

_HERE = Path(__file__).parent
# A step that waits for a lock makes everybody behind it wait, too.
_LOCK_TIMEOUT = "4s"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def upgrade(engine: Engine) -> None:
    """Migrate to the newest step. Commits step by step; safe to run twice and from several machines at once."""
    config = _config()
    with engine.connect() as connection:
        # Two releases that start together: the second waits, then finds nothing left to do.
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('revmap.migrations'))")
        # For the session, and so for every step: each has a transaction of its own.
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.commit()
        try:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('revmap.migrations'))")
            connection.commit()


def expected_step() -> str | None:
    """Name the newest step this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current_step(connection: Connection) -> str | None:
    """Name the step the database stands at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()
