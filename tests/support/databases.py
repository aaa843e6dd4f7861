"""An empty, migrated database for each test: a copy of a migrated one, or the last test's with its rows deleted.

The server has its files in memory where possible.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, event, make_url

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
# Deleted rows stay in the files, and are passed over by each scan.
_MOST_USES = 100
_EMPTYING = Path(__file__).with_name("emptying.sql").read_text()
# Neither foreign keys nor what refuses to change a log are asked, and what is dropped is not noted.
_EMPTYING_OPTIONS = "-c session_replication_role=replica -c lock_timeout=1s"


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


class Databases:
    """Lends a test after the other an empty database, the same one as long as a test leaves it as others expect it.

    What it costs to fill the caches of a new database's connections is most of what a short test costs.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._lent = ExitStack()
        self._url, self._uses = "", 0
        self._engines: dict[str, Engine] = {}
        self._backends: set[int] = set()
        # Kept from test to test: a new connection's caches cost nine tenths of emptying a database.
        self._emptying: psycopg.Connection | None = None

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Yield the URL of an empty database."""
        if not self._url:
            self._url, self._uses = self._lent.enter_context(new_database(self._server)), 0
            self._emptying = self._lent.enter_context(
                psycopg.connect(self._url, autocommit=True, options=_EMPTYING_OPTIONS)
            )
            self._emptying.execute(_EMPTYING)
            _lenders[self._url] = self
        self._uses += 1
        yield self._url
        if self._uses == _MOST_USES or not self._is_emptied():
            self.drop()

    def engine(self, name: str, open_one: Callable[[], Engine]) -> Engine:
        """Return the engine of this name on the database that is lent, with the connections that it has already."""
        if name not in self._engines:
            self._engines[name] = engine = open_one()
            event.listen(engine, "connect", self._remember)
        return self._engines[name]

    def disconnect(self) -> None:
        """Have all engines open new connections from now on."""
        for engine in self._engines.values():
            engine.dispose()

    def drop(self) -> None:
        """Drop the database, so that the next one is new."""
        self.disconnect()
        self._engines.clear()
        self._backends.clear()
        _lenders.pop(self._url, None)
        self._url = ""
        self._lent.close()

    def _is_emptied(self) -> bool:
        if any(engine.pool.checkedout() for engine in self._engines.values()):  # type: ignore[attr-defined]
            return False
        assert self._emptying is not None
        row = self._emptying.execute("SELECT tests.emptied(%s)", [list(self._backends)]).fetchone()
        return row == (True,)

    def _remember(self, driver_connection: Any, _record: object) -> None:
        self._backends.add(driver_connection.info.backend_pid)


# Who lends a database, by its owner's URL.
_lenders: dict[str, Databases] = {}


def as_web_login(database_url: str) -> str:
    """Return the URL for the web processes' user, who owns nothing."""
    return make_url(database_url).set(username="web_login").render_as_string(hide_password=False)


def as_worker_login(database_url: str) -> str:
    """Return the URL for the workers' user, who owns no part of the log."""
    return make_url(database_url).set(username="worker_login").render_as_string(hide_password=False)


@contextmanager
def arranging(engine: Engine) -> Iterator[Connection]:
    """Open a transaction of the server's superuser, to arrange what the engine's own user may not do; commit it."""
    if engine.url.username == "postgres" and not engine.dialect.dispatch.do_connect:
        # It acts in no role. Another connection would have to fill its caches first.
        with engine.begin() as connection:
            yield connection
        return
    url = engine.url.set(drivername="postgresql", username="postgres").render_as_string(hide_password=False)
    with ExitStack() as opened:
        if url in _lenders:
            owner = _lenders[url].engine("owner", lambda: open_engine(url, name="arranging", pool_size=10))
        else:
            owner = open_engine(url, name="arranging", pool_size=1)
            opened.callback(owner.dispose)
        yield opened.enter_context(owner.begin())


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
