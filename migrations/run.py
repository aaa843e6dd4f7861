"""Migrate a database to the schema this code expects, and report its current step."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from migrations.rights import apply_rights
from runtime.database import acts_in_roles

_HERE = Path(__file__).parent
# A step that waits for a lock blocks every query queued behind it.
_LOCK_TIMEOUT = "4s"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def upgrade(engine: Engine) -> None:
    """Migrate to the newest step, and give each role its rights, unless the engine acts without roles.

    Commits after each step; safe to repeat and to run from several machines at once.

    :raises RolesNotPermittedError: the database's user may not create the roles; the steps themselves are done
    """
    config = _config()
    with engine.connect() as connection:
        # Two releases that start together: the second waits, then finds nothing left to do.
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('revmap.migrations'))")
        # Set for the session, because each step has a transaction of its own.
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.commit()
        try:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            if acts_in_roles(engine):
                apply_rights(connection)
                connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('revmap.migrations'))")
            connection.commit()


def expected_step() -> str | None:
    """Return the id of the newest step this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current_step(connection: Connection) -> str | None:
    """Return the id of the database's current step; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()
