"""Keep child processes running until a signal to stop, and let none outlive its parent.

The second half holds on Linux only: elsewhere a child survives a parent that was killed outright.
"""

import ctypes
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import getsource
from types import FrameType

log = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 10.0
_RESET_DELAY_AFTER_SECONDS = 30.0
_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def die_with_parent(parent: int, death_signal: int) -> None:
    """Send this process a signal when its parent ends, however it ends; exit if it has ended already. Linux only.

    The kernel counts the *thread* that started it as the parent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, death_signal)  # PR_SET_PDEATHSIG: prctl(2)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


# Runs in the child before the command itself, in the same process: a preexec_fn would run with a copy of our threads'
# locks. As text, because the child may run as an account that cannot read our files.
_TIE = f"""
import ctypes, os, sys
{getsource(die_with_parent)}
parent, death_signal, *argv = sys.argv[1:]
die_with_parent(int(parent), int(death_signal))
try:
    os.execvp(argv[0], argv)
except OSError as error:
    print(f"{{argv[0]}}: {{error.strerror}}", file=sys.stderr)
    os._exit(127)
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: a name for the log, the argument vector, and the whole environment (None: inherited)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None


def dying_with_parent(argv: Sequence[str], *, death_signal: signal.Signals = signal.SIGTERM) -> list[str]:
    """Return an argument vector that runs `argv` and gets `death_signal` when this process ends, however it ends.

    The kernel counts the *thread* that starts it as the parent, so start it from one that lives long enough.
    """
    return [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid()), str(int(death_signal)), *argv]


def keep_running(commands: Sequence[Command], *, grace_seconds: float = 10.0) -> None:
    """Run all commands, restart those that end, and return once SIGTERM or SIGINT has stopped them.

    Restarts wait 0.5 s, doubling up to 10 s; the wait is reset after 30 s of running. Processes are stopped one after
    the other, in the order given: each has `grace_seconds` from its SIGTERM, then it is killed. A second signal kills
    all at once. Call it in the main thread: it owns the signal handlers while it runs.
    """
    children = [_Child(command) for command in commands]
    with _signals_as_bytes() as inbox:
        try:
            while not _STOP_SIGNALS.intersection(_signals(inbox, until=min(child.due for child in children))):
                if os.getpid() == 1:
                    _reap_adopted(children)
                for child in children:
                    child.tend()
            _stop(children, inbox, grace_seconds)
        finally:
            for child in children:
                child.kill()


class _Child:
    """A command, its process if it has one, and when to start it next (monotonic seconds)."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.delay = _FIRST_DELAY_SECONDS
        self.due = time.monotonic()

    def tend(self) -> None:
        """Plan a restart if the process has ended, and start it when it is due."""
        now = time.monotonic()
        if self.is_gone() and self.process is not None:
            self._plan_restart(self.process, now)
        if self.process is None and now >= self.due:
            self._start(now)

    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and not self.is_gone():
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill what is left of the process and its group: children of a dead server still hold its socket."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _start(self, now: float) -> None:
        argv = dying_with_parent(self.command.argv)
        # In its own group, so that Ctrl-C reaches only us and we stop the children in order.
        self.process = subprocess.Popen(argv, env=self.command.env, stdin=subprocess.DEVNULL, process_group=0)
        self.started, self.due = now, float("inf")
        log.info("process started", extra={"command": self.command.name, "pid": self.process.pid})

    def _plan_restart(self, ended: subprocess.Popen[bytes], now: float) -> None:
        self.kill()  # what it left behind
        if now - self.started >= _RESET_DELAY_AFTER_SECONDS:
            self.delay = _FIRST_DELAY_SECONDS
        fields = {"command": self.command.name, "exit_code": ended.returncode, "restart_in_seconds": self.delay}
        log.warning("process ended", extra=fields)
        self.due = now + self.delay
        self.delay = min(self.delay * 2, _LONGEST_DELAY_SECONDS)


def _stop(children: Sequence[_Child], inbox: int, grace_seconds: float) -> None:
    for child in children:
        deadline = time.monotonic() + grace_seconds
        child.signal(signal.SIGTERM)
        while not child.is_gone() and time.monotonic() < deadline:
            if _STOP_SIGNALS.intersection(_signals(inbox, until=deadline)):
                return
        child.kill()
        log.info("process stopped", extra={"command": child.command.name})


@contextmanager
def _signals_as_bytes() -> Iterator[int]:
    """Yield the read end of a pipe that gets one byte, the signal's number, per stop signal or ended child."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # Set even if they were ignored when we started, as SIGINT is in a background shell.
    handlers = {number: signal.signal(number, _noted) for number in (*_STOP_SIGNALS, signal.SIGCHLD)}
    try:
        yield reader
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(reader)
        os.close(writer)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the byte in the pipe is enough."""


def _signals(inbox: int, *, until: float) -> set[int]:
    """Wait for signals until a time (monotonic seconds, infinity: forever) and return all that came."""
    timeout = None if until == float("inf") else max(0.0, until - time.monotonic())
    ready, _, _ = select.select([inbox], [], [], timeout)
    return set(os.read(inbox, 4096)) if ready else set()


def _reap_adopted(children: Sequence[_Child]) -> None:
    """Reap the orphans that process 1 of a container inherits."""
    ours = {child.process.pid for child in children if child.process is not None}
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in ours:
            os.waitpid(ended.si_pid, 0)
