"""Read a request's body under limits: of kind, of size and of time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from threading import BoundedSemaphore

from flask import Request
from gevent import Timeout, monkey

READ_SECONDS = 10
MOST_LARGE_BODIES = 6

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


# A process that held whatever a thousand senders push would hold a gigabyte. A usual webhook fits into one chunk and
# never waits here; a large one waits for its turn with its first chunk.
_large_bodies = BoundedSemaphore(MOST_LARGE_BODIES)


@contextmanager
def body_of(request: Request, *, limit_bytes: int) -> Iterator[bytes]:
    """Give the raw bytes of the body for the time of the `with`; little more than the limit is ever held.

    :raises UnsupportedBodyError: compressed (415), or of another content type than JSON (400)
    :raises BodyTooLargeError: more than `limit_bytes`
    :raises BodyTooSlowError: not there after ten seconds
    :raises TooManyBodiesError: it is larger than a chunk, and had no turn in five seconds
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
            body = request.stream.read(_CHUNK_BYTES)
            if len(body) < _CHUNK_BYTES:  # the stream fills a chunk unless it ends
                return body
            if not _large_bodies.acquire(timeout=_TURN_SECONDS):
                raise TooManyBodiesError
            held.callback(_large_bodies.release)
            body += request.stream.read(limit_bytes + 1 - _CHUNK_BYTES)
    except TimeoutError as error:
        raise BodyTooSlowError from error
    if len(body) > limit_bytes:
        raise BodyTooLargeError
    return body


def _deadline() -> AbstractContextManager[object]:
    # Gevent can end a read that waits on a socket. Under another server that server's own limits hold.
    return Timeout(READ_SECONDS, TimeoutError) if monkey.is_module_patched("socket") else nullcontext()
