"""Read request bodies under limits of type, size and time."""

import re
from threading import Condition

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

MOST_BYTES_IN_LARGE_BODIES = 6_000_000

_CHUNK_BYTES = 32_768
_TURN_SECONDS = 5
_EMPTY_OBJECT = re.compile(rb"[ \t\r\n]*(?:\{[ \t\r\n]*\}[ \t\r\n]*)?")


class UnsupportedBodyError(Exception):
    """The body is compressed (`status` 415) or is not JSON (400)."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BodyTooLargeError(Exception):
    """The body is larger than the route accepts."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes


class UnwantedBodyError(Exception):
    """A request that needs no body has one."""


class TooManyBodiesError(Exception):
    """More large bodies arrive at once than this process has memory for."""


class _Memory:
    """A memory budget shared by all large bodies, charged as bytes are read, not by the announced length."""

    def __init__(self, limit_bytes: int) -> None:
        self._free = limit_bytes
        self._freed = Condition()

    def take(self, count: int) -> None:
        with self._freed:
            if not self._freed.wait_for(lambda: self._free >= count, _TURN_SECONDS):
                raise TooManyBodiesError
            self._free -= count

    def give_back(self, count: int) -> None:
        with self._freed:
            self._free += count
            self._freed.notify_all()


# Without it, a thousand senders could fill a gigabyte. A typical webhook fits into one chunk and never waits here.
_memory = _Memory(MOST_BYTES_IN_LARGE_BODIES)


class HeldBody:
    """A context manager for a request's body; little more than the limit is ever kept in memory.

    Its bytes are those that were sent: check what they claim to be with `require_json`. Entering it raises
    BodyTooLargeError: more than `limit_bytes`;
    client_socket.BodyTooSlowError: not complete after ten seconds;
    ClientDisconnected: cut off, or malformed on the wire (400);
    TooManyBodiesError: larger than a chunk, and no memory for it became free within five seconds.
    """

    __slots__ = ("_limit_bytes", "_request", "_taken")

    def __init__(self, request: Request, *, limit_bytes: int) -> None:
        self._request = request
        self._limit_bytes = limit_bytes
        self._taken = 0

    def __enter__(self) -> bytes:
        length = self._request.content_length
        if length is not None and length > self._limit_bytes:
            raise BodyTooLargeError(self._limit_bytes)
        try:
            return self._read()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_error: object) -> None:
        if self._taken:
            _memory.give_back(self._taken)

    def _read(self) -> bytes:
        stream = self._request.stream
        try:
            chunks = [stream.read(_CHUNK_BYTES)]
            wanted, size = _CHUNK_BYTES, len(chunks[0])
            while len(chunks[-1]) == wanted:  # a short read means that the stream has ended
                if size > self._limit_bytes:
                    raise BodyTooLargeError(self._limit_bytes)
                wanted = min(_CHUNK_BYTES, self._limit_bytes + 1 - size)
                _memory.take(wanted)
                self._taken += wanted
                chunks.append(stream.read(wanted))
                size += len(chunks[-1])
        except (OSError, ParseException) as error:
            raise ClientDisconnected from error
        return b"".join(chunks)


def require_json(request: Request) -> None:
    """Check that the body is sent as plain JSON; without a content type it counts as such.

    :raises UnsupportedBodyError: it is compressed (415), or of another content type (400)
    """
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedBodyError(415)
    if request.mimetype not in ("", "application/json"):
        raise UnsupportedBodyError(400)


def refuse_body(request: Request) -> None:
    """Raise an error unless the request has no body or an empty object for one; also raise what `HeldBody` does.

    :raises UnwantedBodyError: the body has other contents
    :raises UnsupportedBodyError: it is not sent as plain JSON
    """
    if not request.content_length and "HTTP_TRANSFER_ENCODING" not in request.environ:
        return
    require_json(request)
    with HeldBody(request, limit_bytes=_CHUNK_BYTES) as body:
        if not _EMPTY_OBJECT.fullmatch(body):
            raise UnwantedBodyError
