"""A fresh database for each test: copied from a migrated one, on a server that keeps its files in memory if it may."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.postgres import PostgresServer

_TEMPLATE = "revmap_template"
_MEMORY = Path("/dev/shm")  # noqa: S108 - the directories in it are made by tempfile
_ROOM_BYTES = 2_000_000_000
_PREFIX = "revmap-tests-"
_names = count(1)


@contextmanager
def template_server() -> Iterator[PostgresServer]:
    """Run a server without fsync that has a migrated database to copy from. Nothing of it is left afterwards."""
    with (
        TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=_place(), ignore_cleanup_errors=True) as directory,
        PostgresServer.start(Path(directory, "postgres"), durable=False, options={"max_wal_size": "128MB"}) as server,
    ):
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        engine = open_engine(_url(server, _TEMPLATE), name="template", pool_size=1)
        upgrade(engine)
        engine.dispose()
        yield server


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """Give the URL of a migrated database that is gone afterwards."""
    database = f"test_{next(_names)}"
    name = sql.Identifier(database)
    # As files: a copy by way of the log costs half as much again.
    copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(name, sql.Identifier(_TEMPLATE))
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(copied)
        yield _url(server, database)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _url(server: PostgresServer, database: str) -> str:
    return make_url(server.url).set(database=database).render_as_string(hide_password=False)


def _place() -> Path | None:
    """Give the directory for the server's: in memory, where copying its 400 files costs a tenth; else the usual one."""
    try:
        if shutil.disk_usage(_MEMORY).free < _ROOM_BYTES or not os.access(_MEMORY, os.W_OK):
            return None
    except OSError:
        return None
    _forget_the_killed()
    return _MEMORY


def _forget_the_killed() -> None:
    """Remove what processes left in memory that were killed before they could."""
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(_PREFIX).split("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
