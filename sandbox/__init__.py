"""The product's surroundings on one machine: a simulated Stripe, PostgreSQL, Valkey, a supervisor. Never in production.

This module holds what the launchers of both servers share. A server is our child and dies with us, has a directory to
itself, and listens without a password on a Unix socket in a directory that only its own account and root may enter.
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
_LONGEST_DIRECTORY_BYTES = 80  # a socket's whole path may have 107 bytes, on some systems a few less


class ServerDidNotStartError(RuntimeError):
    """The server ended, did not answer, or its directory was in use; the message says which."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server: its URL, its process and directory, and the signal that shuts it down cleanly."""

    url: str
    process: subprocess.Popen[bytes]
    directory: Path
    stop_signal: signal.Signals

    @property
    def pid(self) -> int:
        """Return the id of the server's process."""
        return self.process.pid

    def stop(self) -> None:
        """Shut the server down, and kill it if it has not ended after 30 s. Safe to repeat and after it has died."""
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with suppress(FileNotFoundError), _open_lock(self.directory) as lock:
            if _locked(lock):  # otherwise a successor already uses it
                _remove_socket_directory(self.directory / "socket")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


@contextmanager
def sole_use(directory: Path) -> Iterator[int]:
    """Create and lock the directory, and yield the lock's descriptor.

    A child that inherits it keeps the lock until it ends. Waits for a predecessor that is still shutting down.

    :raises ServerDidNotStartError: another server used the directory for 30 s
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
    """Return a new directory, mode 0700: inside the given one, or a temporary one if that path does not suit a socket.

    Deletes what a killed predecessor left behind, so the caller must hold the directory's lock.
    """
    sockets = directory / "socket"
    _remove_socket_directory(sockets)
    # A comma separates addresses for both servers and for libpq; other characters have special meanings too.
    if len(os.fsencode(sockets)) <= _LONGEST_DIRECTORY_BYTES and re.fullmatch(r"[\w/. -]+", str(sockets)):
        sockets.mkdir(mode=0o700)
        return sockets
    elsewhere = Path(tempfile.mkdtemp(prefix="revmap-", dir=_short_temporary_directory()))
    sockets.symlink_to(elsewhere)
    return elsewhere


def launch(argv: Sequence[str], *, log: Path, lock: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server in its own process group, so that Ctrl-C reaches only us. It keeps the lock open."""
    with open_log(log) as sink:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, cwd="/", process_group=0, pass_fds=[lock]
        )


def await_answer(server: Server, answers: Callable[[str], bool], *, log: Path, seconds: float) -> None:
    """Wait until `answers(url)` is true; stop the server if that does not happen.

    :raises ServerDidNotStartError: it ended, or did not answer within this many seconds
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
    """Open a log for appending. Only its owner may read it, because it may quote data."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def end_of(log: Path) -> str:
    """Return the last 15 lines of a log."""
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
