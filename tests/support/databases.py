"""A fresh database for each test: a copy of a migrated one, on a server with its files in memory where possible."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, make_url

from migrations.run import upgrade
from runtime.database import open_engine
from runtime.roles import OF_WEB, OF_WORKERS
from sandbox.postgres import PostgresServer

_TEMPLATE = "revmap_template"
_MEMORY = Path("/dev/shm")  # noqa: S108 - tempfile makes the directories in it
_ROOM_BYTES = 2_000_000_000
_PREFIX = "revmap-tests-"
# A database lives for a second: too short for anything to be vacuumed or compiled.
_OPTIONS = {"max_wal_size": "128MB", "autovacuum": "off", "jit": "off"}
# Users of the database as production has them: neither owns anything.
_LOGINS = {"web_login": OF_WEB, "worker_login": OF_WORKERS}
_names = count(1)


@contextmanager
def template_server() -> Iterator[PostgresServer]:
    """Run a server without fsync that has a migrated database to copy from, and delete its files afterwards."""
    with (
        TemporaryDirectory(
            prefix=f"{_PREFIX}{os.getpid()}-", dir=_parent_directory(), ignore_cleanup_errors=True
        ) as directory,
        PostgresServer.start(Path(directory, "postgres"), durable=False, options=_OPTIONS) as server,
    ):
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        engine = open_engine(_url(server, _TEMPLATE), name="template", pool_size=1)
        upgrade(engine)
        with engine.begin() as connection:
            for login, roles in _LOGINS.items():
                connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN; GRANT {', '.join(roles)} TO {login}")
        engine.dispose()
        yield server


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """Create a migrated database, yield its URL, and drop it afterwards."""
    database = f"test_{next(_names)}"
    name = sql.Identifier(database)
    # FILE_COPY: copying through the WAL takes half as long again.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(name, sql.Identifier(_TEMPLATE))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement)
        yield _url(server, database)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def as_web_login(database_url: str) -> str:
    """Return the URL for the web processes' user, who owns nothing."""
    return make_url(database_url).set(username="web_login").render_as_string(hide_password=False)


def as_worker_login(database_url: str) -> str:
    """Return the URL for the workers' user, who owns no part of the log."""
    return make_url(database_url).set(username="worker_login").render_as_string(hide_password=False)


@contextmanager
def arranging(engine: Engine) -> Iterator[Connection]:
    """Open a transaction of the server's superuser, to arrange what the engine's own user may not do; commit it."""
    owner = open_engine(
        engine.url.set(username="postgres").render_as_string(hide_password=False), name="arranging", pool_size=1
    )
    try:
        with owner.begin() as connection:
            yield connection
    finally:
        owner.dispose()


def _url(server: PostgresServer, database: str) -> str:
    return make_url(server.url).set(database=database).render_as_string(hide_password=False)


def _parent_directory() -> Path | None:
    """Return a directory in memory for the server's files, or None for the usual place.

    In memory, copying the server's 400 files takes a tenth of the time.
    """
    try:
        if shutil.disk_usage(_MEMORY).free < _ROOM_BYTES or not os.access(_MEMORY, os.W_OK):
            return None
    except OSError:
        return None
    _remove_leftovers()
    return _MEMORY


def _remove_leftovers() -> None:
    """Remove what killed processes left in memory."""
    for directory in _MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", directory.name.removeprefix(_PREFIX).split("-")[0]).exists():
            shutil.rmtree(directory, ignore_errors=True)
