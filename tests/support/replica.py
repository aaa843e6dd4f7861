"""A streaming replica of a test server."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import make_url

from sandbox.postgres import PostgresServer, _binaries
from tests.support.web.webhooks import until


@contextmanager
def running_replica(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Copy the server's files, and run a replica of it that streams from it."""
    with TemporaryDirectory(prefix="replica-", dir=primary.directory.parent, ignore_cleanup_errors=True) as name:
        data, of_primary = Path(name, "data"), (primary.directory / "data").stat()
        command: list[str | Path] = [
            _binaries() / "pg_basebackup",
            "-D",
            data,
            "-d",
            primary.url,
            "-R",
            "-c",
            "fast",
            "--no-sync",
        ]
        subprocess.run(command, check=True)
        if os.geteuid() == 0:
            for path in (Path(name), data, *data.rglob("*")):
                os.chown(path, of_primary.st_uid, of_primary.st_gid)
        with PostgresServer.start(Path(name), durable=False, options={"wal_retrieve_retry_interval": "100ms"}) as one:
            yield one


def on(server: PostgresServer, database_url: str, *, user: str = "postgres") -> str:
    """Return the URL of a database on this server."""
    database = make_url(database_url).database
    return make_url(server.url).set(database=database, username=user).render_as_string(hide_password=False)


def catch_up_with(primary_url: str, replica: psycopg.Connection) -> None:
    """Wait until the replica has replayed everything that was written on the primary."""
    with psycopg.connect(primary_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = on")
        # Its commit flushes what was committed before without.
        connection.execute("SELECT pg_logical_emit_message(true, 'tests', '')")
        written = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
    assert until(lambda: bool(replica.execute("SELECT pg_last_wal_replay_lsn() >= %s", written).fetchone() == (True,)))
