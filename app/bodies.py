"""Read a request's body under limits: of kind, of size and of time."""

from contextlib import AbstractContextManager, nullcontext

from flask import Request
from gevent import Timeout, monkey

READ_SECONDS = 10


class UnsupportedBodyError(Exception):
    """The body is compressed or says it is not JSON. `status` tells which."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BodyTooLargeError(Exception):
    """The body is larger than the door takes."""


class BodyTooSlowError(Exception):
    """The body did not arrive in time."""


def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """Give the raw bytes of the body; never more than one byte over the limit is held.

    :raises UnsupportedBodyError: compressed (415), or of another content type than JSON (400)
    :raises BodyTooLargeError: more than `limit_bytes`
    :raises BodyTooSlowError: not there after ten seconds
    """
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedBodyError(415)
    if request.mimetype not in ("", "application/json"):
        raise UnsupportedBodyError(400)
    length = request.content_length
    if length is not None and length > limit_bytes:
        raise BodyTooLargeError
    try:
        with _deadline():
            body = request.stream.read(limit_bytes + 1)
    except TimeoutError as error:
        raise BodyTooSlowError from error
    if len(body) > limit_bytes:
        raise BodyTooLargeError
    return body


def _deadline() -> AbstractContextManager[object]:
    # Gevent can end a read that waits on a socket. Under another server that server's own limits hold.
    return Timeout(READ_SECONDS, TimeoutError) if monkey.is_module_patched("socket") else nullcontext()
