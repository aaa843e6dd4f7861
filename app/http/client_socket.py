"""A client's socket with deadlines for the head, the body and the response of every request, which gunicorn lacks.

The head and the body have ten seconds each to arrive. A response is abandoned when the client needs more than twenty
seconds to read 64 KiB of it.
"""

import time
from contextlib import suppress
from socket import SHUT_RDWR, SHUT_WR, SO_SNDBUF, SOL_SOCKET
from typing import Any

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
PIECE_SECONDS = 20.0

_PIECE_BYTES = 65_536
# How much of an unread response the kernel buffers; by default it grows to megabytes per socket.
_SEND_BUFFER_BYTES = 131_072
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 4_000_000


class BodyTooSlowError(Exception):
    """The body of a request did not arrive in time."""


class ClientSocket:
    """A client's connection as gunicorn uses it. Methods that are not defined here are the socket's own.

    `idle_seconds`: how long the next request may take to begin. A new connection has ten seconds for the first.
    """

    def __init__(self, connection: Any, address: str, *, idle_seconds: float) -> None:  # noqa: ANN401 - gevent's socket
        with suppress(OSError):  # the client may be gone already
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER_BYTES)
        self.address = address
        self.is_waiting = False  # for the client to send or to read
        self._connection = connection
        self._idle_seconds = idle_seconds
        self._is_in_request = self._has_begun = self._is_hung_up = False
        self._since = self._deadline = 0.0  # monotonic seconds
        self._begin(HEAD_SECONDS)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._connection, name)

    def await_request(self) -> None:
        """Start the deadline for the next request to begin. Its head then has ten seconds to arrive."""
        self._begin(self._idle_seconds)
        self._is_in_request = self._has_begun = False

    def begin_request(self) -> None:
        """Start the deadline for the body, once the head has arrived."""
        self._begin(BODY_SECONDS)
        self._is_in_request = True

    def is_idle(self) -> bool:
        """Return whether it is waiting for a next request of which nothing has arrived."""
        return self.is_waiting and not self._is_in_request and not self._has_begun

    def seconds_in_phase(self) -> float:
        """Return how many seconds it has been waiting for its request or answering it."""
        return time.monotonic() - self._since

    def hang_up(self) -> None:
        """Close the connection. Code that is waiting for it sees that it has ended."""
        self._is_hung_up = True
        with suppress(OSError):
            self._connection.shutdown(SHUT_RDWR)

    def recv(self, size: int) -> bytes:
        """Return the bytes that have arrived: none at the end of the stream, or when the next request is too late.

        :raises BodyTooSlowError: the body of a request did not arrive in time
        """
        data, seconds = b"", self._deadline - time.monotonic()
        self.is_waiting = True
        try:
            # Even after the deadline, a socket would return what has arrived meanwhile.
            if seconds > 0:
                self._connection.settimeout(seconds)
                data = self._connection.recv(size)
            else:
                self._is_hung_up = True
        except TimeoutError:
            self._is_hung_up = True
        finally:
            self.is_waiting = False
        if self._is_hung_up and self._is_in_request:
            raise BodyTooSlowError
        if data and not self._has_begun and not self._is_in_request:
            self._has_begun, self._deadline = True, time.monotonic() + HEAD_SECONDS
        return data

    def sendall(self, data: bytes) -> None:
        """Send a response, or a part of it.

        :raises BrokenPipeError: the client does not read it
        """
        self._connection.settimeout(PIECE_SECONDS)
        rest = memoryview(data)
        self.is_waiting = True
        try:
            for start in range(0, len(data), _PIECE_BYTES):
                self._connection.sendall(rest[start : start + _PIECE_BYTES])
        except TimeoutError as error:
            raise BrokenPipeError("the client does not read the answer") from error
        finally:
            self.is_waiting = False

    def let_the_answer_arrive(self) -> None:
        """Stop sending, and discard for a second what still arrives: closing at once could lose the response.

        See RFC 9112 §9.6.
        """
        left_bytes, deadline = _LINGER_BYTES, time.monotonic() + _LINGER_SECONDS
        with suppress(OSError):
            self._connection.shutdown(SHUT_WR)
            while left_bytes > 0 and (seconds := deadline - time.monotonic()) > 0:
                self._connection.settimeout(seconds)
                taken = len(self._connection.recv(65_536))
                if not taken:
                    break
                left_bytes -= taken

    def _begin(self, seconds: float) -> None:
        self._since = time.monotonic()
        self._deadline = self._since + seconds
