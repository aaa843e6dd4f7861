"""PgBouncer in transaction mode before a test server, where the program is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import make_url

from runtime.processes import dying_with_parent
from sandbox.postgres import PostgresServer
from tests.support.web.webhooks import until

MISSING = "PgBouncer is not installed: apt-get install pgbouncer"
# So few that transactions of many connections share them.
SERVER_CONNECTIONS = 3
_PORT = 6432
_NOBODY = 65534
_REACH_ALL = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
_CONFIGURATION = """
[databases]
* = host={server}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 100
query_wait_timeout = 20
"""


def pgbouncer_path() -> str | None:
    """Return where the program is, or None."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@contextmanager
def running_pgbouncer(server: PostgresServer, users: Sequence[str]) -> Iterator[Path]:
    """Run it for these users, and yield the directory of its socket."""
    program, sockets = pgbouncer_path(), Path(str(make_url(server.url).query["host"]))
    assert program is not None
    with TemporaryDirectory(prefix="pgb-") as name:
        directory, nobody = Path(name), (_NOBODY, _NOBODY)
        configuration = _CONFIGURATION.format(server=sockets, port=_PORT, directory=directory, size=SERVER_CONNECTIONS)
        (directory / "pgbouncer.ini").write_text(configuration)
        (directory / "users").write_text("".join(f'"{user}" ""\n' for user in users))
        become = []
        if os.geteuid() == 0:
            # It does not run as root, but must reach the server's socket, which may be root's alone.
            os.chown(directory, *nobody)
            become = ["setpriv", f"--reuid={nobody[0]}", f"--regid={nobody[1]}", "--clear-groups", *_REACH_ALL]
        argv = [*become, *dying_with_parent([program, "-q", str(directory / "pgbouncer.ini")])]
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as one:
            try:
                assert until(lambda: _answers(directory, users[0]))
                yield directory
            finally:
                one.terminate()


def through(directory: Path, database_url: str, user: str) -> str:
    """Return the URL of a database through the pooler, for a user."""
    query = {"host": str(directory), "port": str(_PORT)}
    return make_url(database_url).set(username=user, query=query).render_as_string(hide_password=False)


def _answers(directory: Path, user: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(host=str(directory), port=_PORT, user=user, dbname="postgres", connect_timeout=5).close()
        return True
    return False
