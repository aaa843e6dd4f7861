"""The whole outside world on one machine: a simulated Stripe, PostgreSQL, Valkey and a supervisor. Never in production.

Below is what the launchers of both servers share. Such a server is our child and dies with us, has its directory to
itself, and answers on a Unix socket in a directory that only its own account and root may enter: it asks no password.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, Self

_POLL_SECONDS = 0.02
_STOP_SECONDS = 30.0
_PREDECESSOR_SECONDS = 30.0
_LONGEST_DIRECTORY_BYTES = 80  # a socket's whole path may have 107 bytes, on other systems a few less


class ServerDidNotStartError(RuntimeError):
    """The server ended, stayed silent or found its directory in use; the message says which."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server: where it answers, its process and directory, and the signal that stops it in order."""

    url: str
    process: subprocess.Popen[bytes]
    directory: Path
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return self.process.pid

    def stop(self) -> None:
        """Stop in order, kill what has not ended after 30 s. Safe twice, and when the server has died."""
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with suppress(FileNotFoundError), _open_lock(self.directory) as lock:
            if _locked(lock):  # else a successor has it already
                _remove_socket_directory(self.directory / "socket")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


@contextmanager
def sole_use(directory: Path) -> Iterator[int]:
    """Make the directory, lock it and give the lock's descriptor: a child that inherits it keeps the lock till it ends.

    A predecessor that is still shutting down is waited for.

    :raises ServerDidNotStartError: another server had the directory for 30 s
    """
    directory.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PREDECESSOR_SECONDS
    with _open_lock(directory) as lock:
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise ServerDidNotStartError(f"another server is running in {directory}")
            Event().wait(_POLL_SECONDS)
        yield lock


def new_socket_directory(directory: Path) -> Path:
    """Return a new directory, mode 0700: inside the given one, or a temporary one when that path does not fit a socket.

    What a killed predecessor left behind is removed, so call this with the directory's lock held.
    """
    sockets = directory / "socket"
    _remove_socket_directory(sockets)
    # A comma separates addresses in both servers' and libpq's notation; other marks have meanings of their own.
    if len(os.fsencode(sockets)) <= _LONGEST_DIRECTORY_BYTES and re.fullmatch(r"[\w/. -]+", str(sockets)):
        sockets.mkdir(mode=0o700)
        return sockets
    elsewhere = Path(tempfile.mkdtemp(prefix="revmap-", dir=_short_temporary_directory()))
    sockets.symlink_to(elsewhere)
    return elsewhere


def launch(argv: Sequence[str], *, log: Path, lock: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server in a process group of its own, so that Ctrl-C reaches only us; it keeps the lock open."""
    with open_log(log) as sink:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, cwd="/", process_group=0, pass_fds=[lock]
        )


def await_answer(server: Server, answers: Callable[[str], bool], *, log: Path, seconds: float) -> None:
    """Return when `answers(url)` is true; stop the server when that does not come to pass.

    :raises ServerDidNotStartError: it ended, or did not answer for so many seconds
    """
    deadline = time.monotonic() + seconds
    while not answers(server.url):
        try:
            server.process.wait(_POLL_SECONDS)
            outcome = f"ended with {server.process.returncode}"
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            outcome = f"did not answer for {seconds:g} s"
        server.stop()
        raise ServerDidNotStartError(f"the server {outcome}; the end of {log}:\n{end_of(log)}")


def open_log(log: Path) -> BinaryIO:
    """Open a log to write at its end; only its owner may read it, for it may quote data."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def end_of(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


@contextmanager
def _open_lock(directory: Path) -> Iterator[int]:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_socket_directory(sockets: Path) -> None:
    if sockets.is_symlink():
        shutil.rmtree(sockets.readlink(), ignore_errors=True)
        sockets.unlink()
    elif sockets.exists():
        shutil.rmtree(sockets)


def _short_temporary_directory() -> str:
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_DIRECTORY_BYTES // 2 else "/tmp"  # noqa: S108 - mkdtemp
