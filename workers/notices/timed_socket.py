"""A socket that is waited for until a deadline, and read up to a limit."""

import io
import socket
import time
from typing import Any


class Deadline:
    """A moment by which everything must be over."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds until then.

        :raises TimeoutError: it has passed
        """
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def shorten(self, seconds: float) -> None:
        """Let it come at most so many seconds from now."""
        self._until = min(self._until, time.monotonic() + seconds)


class Wire:
    """The part of a socket that http.client uses. Every wait ends at the deadline, and so many bytes are read."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._most_bytes = most_bytes

    def sendall(self, content: bytes) -> None:
        """Send everything.

        :raises TimeoutError: the deadline passed
        """
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file of what is received."""
        return io.BufferedReader(_Bytes(self._sock, self._deadline, self._most_bytes), 8192)

    def close(self) -> None:
        """Leave the socket open: its answer is still read when http.client has done with it."""


class _Bytes(io.RawIOBase):
    """What a socket receives until the deadline; after so many bytes it looks as if the other side had closed."""

    def __init__(self, sock: socket.socket, deadline: Deadline, most_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left = most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - typeshed's Buffer is newer than our Python
        room = memoryview(buffer)[: self._left]
        if not room:
            return 0
        self._sock.settimeout(self._deadline.remaining())
        count = self._sock.recv_into(room)
        self._left -= count
        return count
