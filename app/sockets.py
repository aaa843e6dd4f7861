"""The sockets of a web process: every wait for a client has an end, and when there are too many the laggards give way.

A head and a body have ten seconds each to arrive, however many requests came before; an answer is given up when 64 KiB
of it are not taken within twenty. Nobody is turned away for what dawdlers hold: who is prompt is answered long before
having waited for as long as they have.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, SHUT_WR, SO_SNDBUF, SOL_SOCKET
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
PIECE_SECONDS = 20.0
# What waits for less long may be about to be read.
PROMPT_SECONDS = 1.0

_PIECE_BYTES = 65_536
# What the kernel holds of an answer that is not taken; by itself it goes up to megabytes for each socket.
_SEND_BUFFER_BYTES = 131_072
_LOOK_SECONDS = 0.25
_NEXT_LOOK_SECONDS = 1e-6  # not 0, for which gevent would not look at its sockets
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 4_000_000


class BodyTooSlowError(Exception):
    """The body of a request did not arrive in time."""


class Sockets:
    """The clients' sockets of this process. More than `most`, or than `most_of_an_address`, are held for a moment only.

    `idle_seconds`: how long a connection may wait for its next request.
    """

    def __init__(self, *, most: int, most_of_an_address: int, idle_seconds: float) -> None:
        self._most = most
        self._most_of_an_address = most_of_an_address
        self.idle_seconds = idle_seconds
        self._turn = BoundedSemaphore()
        # Who has been at the same thing for longest comes first.
        self._held: dict[ClientSocket, None] = {}

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def holding(self, connection: Any, address: object) -> Iterator["ClientSocket"]:  # noqa: ANN401 - gevent's socket
        """Hold a client's connection, watched, as long as it is served."""
        with suppress(OSError):  # who has gone already
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER_BYTES)
        held = ClientSocket(connection, address[0] if isinstance(address, tuple) else "", self)
        held.await_request(HEAD_SECONDS)
        try:
            yield held
        finally:
            self._held.pop(held, None)

    def wait_for_a_turn(self) -> None:
        """Let everything go first that has come meanwhile, and others that wait for a turn: each look brings one.

        So whatever is asked at once, webhooks do not wait for it: they need no turn.
        """
        with self._turn:
            gevent.sleep(_NEXT_LOOK_SECONDS)

    def watch(self) -> None:
        """Make room four times a second, for ever."""
        while True:
            gevent.sleep(_LOOK_SECONDS)
            self.make_room()

    def make_room(self) -> None:
        """Hang up on those who have kept us waiting for longest while there are too many."""
        too_many = len(self._held) - self._most
        by_address = Counter(held.address for held in self._held)
        if too_many <= 0 and max(by_address.values(), default=0) <= self._most_of_an_address:
            return
        laggards = [held for held in self._held if held.is_waiting and held.waited_seconds() > PROMPT_SECONDS]
        for held in laggards:
            if too_many > 0 or by_address[held.address] > self._most_of_an_address:
                held.hang_up()
                by_address[held.address] -= 1
                too_many -= 1

    def hang_up_on_idle(self) -> None:
        """Hang up on who waits for nothing: no next request has begun."""
        for held in list(self._held):
            if held.is_idle() and held.waited_seconds() > PROMPT_SECONDS:
                held.hang_up()

    def begin(self, held: "ClientSocket") -> None:
        """Note that a socket begins something: it goes to the end of the line."""
        self._held.pop(held, None)
        self._held[held] = None


class ClientSocket:
    """A client's socket as gunicorn uses it, with deadlines. What is not said here is the socket's own."""

    def __init__(self, connection: Any, address: str, sockets: Sockets) -> None:  # noqa: ANN401 - gevent's socket
        self.address = address
        self.is_waiting = False
        self._connection = connection
        self._sockets = sockets
        self._is_in_request = self._has_begun = self._is_hung_up = False
        self._since = self._deadline = 0.0  # monotonic seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._connection, name)

    def await_request(self, seconds: float | None = None) -> None:
        """Have the next request begin within these seconds, else within those that a connection may idle."""
        self._begin(self._sockets.idle_seconds if seconds is None else seconds)
        self._is_in_request = self._has_begun = False

    def begin_request(self) -> None:
        """Have the body of the request whose head has come arrive within ten seconds."""
        self._begin(BODY_SECONDS)
        self._is_in_request = True

    def is_idle(self) -> bool:
        """Tell whether nothing of a next request has come."""
        return self.is_waiting and not self._is_in_request and not self._has_begun

    def waited_seconds(self) -> float:
        """Return for how long it has been at what it is at."""
        return time.monotonic() - self._since

    def hang_up(self) -> None:
        """End the connection under whoever waits for it."""
        self._is_hung_up = True
        with suppress(OSError):
            self._connection.shutdown(SHUT_RDWR)

    def recv(self, size: int) -> bytes:
        """Return what has come; nothing at the end, or when a next request does not come in time.

        :raises BodyTooSlowError: the body of a request did not arrive in time
        """
        data, seconds = b"", self._deadline - time.monotonic()
        self.is_waiting = True
        try:
            # What has come already would be given also to who asks too late.
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
        """Send an answer, or a part of it.

        :raises BrokenPipeError: nobody takes it
        """
        self._connection.settimeout(PIECE_SECONDS)
        rest = memoryview(data)
        self.is_waiting = True
        try:
            for start in range(0, len(data), _PIECE_BYTES):
                self._connection.sendall(rest[start : start + _PIECE_BYTES])
        except TimeoutError as error:
            raise BrokenPipeError("the answer is not taken") from error
        finally:
            self.is_waiting = False

    def let_the_answer_arrive(self) -> None:
        """Take in some of what still comes, and send nothing more.

        Closing on it resets the connection, and the answer is lost (RFC 9112 §9.6).
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
        self._sockets.begin(self)
