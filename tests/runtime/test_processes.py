"""The supervisor as a process, watched through the standard output that it and its children share.

That pipe ends when the last of them has ended, so reading to its end proves that no process is left.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.processes import dying_with_parent
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(30)

_SUPERVISE = """
import json, sys
from runtime.processes import Command, keep_running
grace_seconds, commands = json.loads(sys.argv[1])
python = (sys.executable, "-S", "-c")
keep_running([Command(name, (*python, *argv)) for name, *argv in commands], grace_seconds=grace_seconds)
"""
# Prints its process id at the start, and a line when it is asked to stop and when it has stopped.
_OBEDIENT = """
import os, signal, sys, threading
def tell(what):
    os.write(1, f"{sys.argv[1]} {what}\\n".encode())  # print is not reentrant
def stop(*_):
    tell("stopping")
    threading.Event().wait(0.2)
    tell("stopped")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
tell(os.getpid())
while True:
    signal.pause()
"""
_STUBBORN = """
import os, signal, sys
def tell(what):
    os.write(1, f"{sys.argv[1]} {what}\\n".encode())
signal.signal(signal.SIGTERM, lambda *_: tell("stopping"))
tell(os.getpid())
while True:
    signal.pause()
"""
_SHORT_LIVED = "print('hello', flush=True)"
_LEAVES_A_CHILD = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
# Starts an orphan that ends, and waits until process 1 has reaped it: until then its process id is in use.
_WAITS_FOR_AN_ORPHAN = """
import os, subprocess, threading
orphan = int(subprocess.check_output(["sh", "-c", "sleep 0.1 >/dev/null & echo $!"]))
while os.path.exists(f"/proc/{orphan}"):
    threading.Event().wait(0.02)
print("reaped", flush=True)
threading.Event().wait()
"""


class Supervisor:
    """A running supervisor and the lines that it and its children write."""

    def __init__(self, *commands: tuple[str, str], grace_seconds: float = 10.0, prefix: tuple[str, ...] = ()) -> None:
        task = json.dumps([grace_seconds, [(name, program, name) for name, program in commands]])
        argv = [*prefix, sys.executable, "-c", _SUPERVISE, task]
        self.process = subprocess.Popen(argv, cwd=ROOT, text=True, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def line(self) -> str:
        return self.output.readline().rstrip()

    def pid_of(self, name: str) -> int:
        who, pid = self.line().split()
        assert who == name
        return int(pid)

    def rest(self) -> list[str]:
        """Return all lines until every process that could write one has ended."""
        return self.output.read().splitlines()


@pytest.fixture
def supervise() -> Iterator[type[Supervisor]]:
    started: list[Supervisor] = []

    class Tracked(Supervisor):
        def __init__(
            self, *commands: tuple[str, str], grace_seconds: float = 10.0, prefix: tuple[str, ...] = ()
        ) -> None:
            super().__init__(*commands, grace_seconds=grace_seconds, prefix=prefix)
            started.append(self)

    yield Tracked
    for supervisor in started:
        supervisor.process.terminate()
        supervisor.process.wait(20)
        supervisor.output.close()


def test_killed_child_is_started_again(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _OBEDIENT))
    first = supervisor.pid_of("web")

    os.kill(first, signal.SIGKILL)

    assert supervisor.pid_of("web") != first


def test_child_that_keeps_ending_is_restarted_ever_more_slowly(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _SHORT_LIVED))
    starts = []
    for _ in range(3):
        assert supervisor.line() == "hello"
        starts.append(time.monotonic())

    first_gap, second_gap = starts[1] - starts[0], starts[2] - starts[1]

    assert first_gap > 0.4
    assert second_gap > 0.9


def test_waiting_costs_nothing(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _OBEDIENT), ("clock", "import threading; threading.Event().wait()"))
    supervisor.pid_of("web")
    before = cpu_ticks(supervisor.process.pid)

    with pytest.raises(subprocess.TimeoutExpired):
        supervisor.process.wait(1.0)

    assert cpu_ticks(supervisor.process.pid) - before <= 2


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_goes_in_the_given_order(supervise: type[Supervisor], number: signal.Signals) -> None:
    supervisor = supervise(("web", _OBEDIENT), ("worker", _OBEDIENT), ("clock", _OBEDIENT))
    for _ in range(3):
        supervisor.line()

    supervisor.process.send_signal(number)

    names = ["web", "worker", "clock"]
    assert supervisor.rest() == [f"{name} {deed}" for name in names for deed in ("stopping", "stopped")]
    assert supervisor.process.wait(5) == 0


def test_child_that_does_not_stop_is_killed_after_the_grace(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _STUBBORN), ("clock", _OBEDIENT), grace_seconds=0.5)
    supervisor.line()
    supervisor.line()
    signalled_at = time.monotonic()

    supervisor.process.send_signal(signal.SIGTERM)

    assert supervisor.rest() == ["web stopping", "clock stopping", "clock stopped"]
    assert 0.5 < time.monotonic() - signalled_at < 5
    assert supervisor.process.wait(5) == 0


def test_second_signal_kills_at_once(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _STUBBORN), ("clock", _OBEDIENT), grace_seconds=600)
    supervisor.line()
    supervisor.line()
    supervisor.process.send_signal(signal.SIGINT)
    assert supervisor.line() == "web stopping"

    supervisor.process.send_signal(signal.SIGINT)

    assert supervisor.rest() == []
    assert supervisor.process.wait(5) == 0


def test_killed_supervisor_leaves_nothing_behind(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _OBEDIENT), ("worker", _OBEDIENT))
    supervisor.line()
    supervisor.line()

    supervisor.process.kill()

    assert sorted(supervisor.rest()) == ["web stopped", "web stopping", "worker stopped", "worker stopping"]


def test_what_a_dead_child_left_behind_is_killed_before_its_restart(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _LEAVES_A_CHILD))
    orphan = int(supervisor.line())
    supervisor.line()

    assert not Path(f"/proc/{orphan}").exists() or " Z " in Path(f"/proc/{orphan}/stat").read_text()


def test_supervisor_in_a_background_shell_still_hears_sigint(supervise: type[Supervisor]) -> None:
    supervisor = supervise(("web", _OBEDIENT), prefix=("sh", "-c", 'trap "" INT TERM; exec "$@"', "sh"))
    supervisor.line()

    supervisor.process.send_signal(signal.SIGINT)

    assert supervisor.rest() == ["web stopping", "web stopped"]
    assert supervisor.process.wait(5) == 0


def test_supervisor_that_is_process_1_buries_orphans(supervise: type[Supervisor]) -> None:
    prefix = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("may not make a PID namespace here")

    supervisor = supervise(("web", _WAITS_FOR_AN_ORPHAN), prefix=prefix)

    assert supervisor.line() == "reaped"
    supervisor.process.kill()  # unshare ignores other signals; its namespace ends with it


def test_command_that_cannot_be_run_ends_with_127_and_says_why() -> None:
    outcome = subprocess.run(dying_with_parent(["/no/such/program"]), check=False, capture_output=True, text=True)

    assert (outcome.returncode, outcome.stderr) == (127, "/no/such/program: No such file or directory\n")


def test_command_is_not_run_for_a_parent_that_is_already_gone() -> None:
    argv = dying_with_parent(["echo", "running"])

    outcome = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *argv], check=False, capture_output=True, text=True)

    assert (outcome.returncode, outcome.stdout) == (1, "")
