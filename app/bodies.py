"""Read a request's body under limits: of kind, of size and of time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from threading import Condition

from flask import Request
from gevent import Timeout, monkey
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

READ_SECONDS = 10
MOST_BYTES_IN_LARGE_BODIES = 6_000_000

_CHUNK_BYTES = 32_768
_TURN_SECONDS = 5


class UnsupportedBodyError(Exception):
    """The body is compressed or says it is not JSON. `status` tells which."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BodyTooLargeError(Exception):
    """The body is larger than the door takes."""


class BodyTooSlowError(Exception):
    """The body did not arrive in time."""


class TooManyBodiesError(Exception):
    """More large bodies arrive at once than this process has memory for."""


class _Memory:
    """The bytes that large bodies may hold together: counted when they have come, not when they are announced."""

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


# A process that held whatever a thousand senders push would hold a gigabyte. A usual webhook fits into one chunk and
# never waits here.
_memory = _Memory(MOST_BYTES_IN_LARGE_BODIES)


@contextmanager
def body_of(request: Request, *, limit_bytes: int) -> Iterator[bytes]:
    """Give the raw bytes of the body for the time of the `with`; little more than the limit is ever held.

    :raises UnsupportedBodyError: compressed (415), or of another content type than JSON (400)
    :raises BodyTooLargeError: more than `limit_bytes`
    :raises BodyTooSlowError: not there after ten seconds
    :raises ClientDisconnected: cut off, or malformed on the wire (400)
    :raises TooManyBodiesError: it is larger than a chunk, and there was no room for it in five seconds
    """
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedBodyError(415)
    if request.mimetype not in ("", "application/json"):
        raise UnsupportedBodyError(400)
    length = request.content_length
    if length is not None and length > limit_bytes:
        raise BodyTooLargeError
    with ExitStack() as held:
        yield _read(request, limit_bytes, held)


def _read(request: Request, limit_bytes: int, held: ExitStack) -> bytes:
    try:
        with _deadline():
            chunks = [request.stream.read(_CHUNK_BYTES)]
            wanted, size = _CHUNK_BYTES, len(chunks[0])
            while len(chunks[-1]) == wanted:  # the stream gives what is wanted unless it ends
                if size > limit_bytes:
                    raise BodyTooLargeError
                wanted = min(_CHUNK_BYTES, limit_bytes + 1 - size)
                _memory.take(wanted)
                held.callback(_memory.give_back, wanted)
                chunks.append(request.stream.read(wanted))
                size += len(chunks[-1])
    except TimeoutError as error:
        raise BodyTooSlowError from error
    except (OSError, ParseException) as error:
        raise ClientDisconnected from error
    return b"".join(chunks)


def _deadline() -> AbstractContextManager[object]:
    # Gevent can end a read that waits on a socket. Under another server that server's own limits hold.
    return Timeout(READ_SECONDS, TimeoutError) if monkey.is_module_patched("socket") else nullcontext()
