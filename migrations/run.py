"""Migrate a database to the schema this code expects, and distribute it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from migrations.distribution import distribute, let_triggers, settle
from migrations.distribution_checks import holder_of_tables, is_distributed, lacking
from migrations.one_by_one import one_by_one
from migrations.rights import apply_rights
from migrations.steps import expected_step
from runtime.database import acts_in_roles

_HERE = Path(__file__).parent
# A step that waits for a lock blocks every query queued behind it.
_LOCK_TIMEOUT = "4s"
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_HINT = "DATABASE_URL and DATABASE_OWNER_URL, as in ?options=-csearch_path%3Drevmap_1"


class UnfitError(Exception):
    """The database is not as the operation needs it; the message says in lines what to do. Nothing was changed."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def upgrade(engine: Engine) -> None:
    """Migrate to the newest step, and give each role its rights, unless the engine acts without roles.

    A schema that the database's address names is made if it is missing. Commits after each step; safe to repeat and to
    run from several machines at once.

    :raises RolesNotPermittedError: the database's user may not create the roles; the steps themselves are done
    :raises UnfitError: the tables are in another schema than the address says
    """
    config = _config()
    with _alone(engine) as connection:
        schema = _enter_schema(connection)
        let_triggers(connection)
        if is_distributed(connection, schema):
            one_by_one(connection)
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        if acts_in_roles(engine):
            apply_rights(connection)
            connection.commit()
        if is_distributed(connection, schema):
            list(settle(connection, schema))
            connection.commit()


def distribute_schema(engine: Engine) -> tuple[str, list[str]]:
    """Make the schema that the database's address names a distributed one; return it, and what was done.

    The tables are moved there from `public` first. All of that is done, or nothing; only what the nodes need beside the
    tables is committed on its own, afterwards. Safe to repeat.

    :raises UnfitError: something is missing
    """
    with _alone(engine) as connection:
        schema = _own_schema(connection)
        if problems := list(lacking(connection, schema, expected_step())):
            raise UnfitError("\n".join(problems))
        done = list(distribute(connection, schema))
        connection.commit()
        done += settle(connection, schema)
        connection.commit()
    return schema, done


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        # Two releases that start together: the second waits, then finds nothing left to do.
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('revmap.migrations'))")
        # Set for the session, because each step has a transaction of its own.
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('revmap.migrations'))")
            connection.commit()


def _enter_schema(connection: Connection) -> str:
    if connection.exec_driver_sql("SELECT current_schema()").scalar() is None:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_own_schema(connection)}")
    schema: str = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    holder = holder_of_tables(connection, schema)
    if holder is not None and schema == "public":
        raise UnfitError(f"the tables of this database are in the schema {holder}: name it in {_HINT}")
    if holder == "public":
        raise UnfitError(f"the tables are still in public: move them to {schema} with 'flask db distribute'")
    return schema


def _own_schema(connection: Connection) -> str:
    path = str(connection.exec_driver_sql("SELECT current_setting('search_path')").scalar_one())
    if not _NAME.fullmatch(path) or path == "public":
        raise UnfitError(
            "Citus distributes no schema named public: name another one, in lower-case letters, digits and _, in "
            f"{_HINT}. The tables of public are moved there"
        )
    return path
