"""Send one webhook: to exactly the address that was checked, within limits of time and size, following nothing."""

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from certifi import where

from notices.outbound import Outbound, UnusableUrlError, is_public, usable_url

_KEPT_BYTES = 1024

Resolve = Callable[[str, int], Sequence[tuple[Any, ...]]]


class NotSentError(Exception):
    """No answer was received; the message says why, in words for the endpoint's owner."""


class Answer(NamedTuple):
    """An endpoint's answer: its status, and the beginning of its body."""

    status: int
    beginning: str


def _resolved(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long connecting, a whole request and its answer's body may take, and how much of the answer is read."""

    connect_seconds: float = 5.0
    request_seconds: float = 15.0
    body_seconds: float = 1.0
    most_bytes: int = 65_536


@dataclass(frozen=True, slots=True)
class Poster:
    """Sends webhooks to the addresses that are allowed. `trusts`: whose certificates, by default browsers'."""

    outbound: Outbound = "public"
    limits: Limits = Limits()
    trusts: ssl.SSLContext | None = None
    resolve: Resolve = _resolved

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return the answer, whatever its status. Proxies and redirects are not followed.

        :raises NotSentError: the address is not allowed, or there was no answer in time
        """
        try:
            return self._post(urlsplit(usable_url(url, self.outbound)), body, headers)
        except UnusableUrlError as error:
            raise NotSentError(str(error)) from error
        except (OSError, UnicodeError, HTTPException, ValueError) as error:
            raise NotSentError(_reason(error)) from error

    def _post(self, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
        deadline = _Deadline(self.limits.request_seconds)
        host, port = url.hostname or "", url.port or {"https": 443, "http": 80}[url.scheme]
        with self._connected(self._addresses(host, port), deadline) as plain:
            plain.settimeout(deadline.remaining())
            sock = self._encrypted(plain, host) if url.scheme == "https" else plain
            with sock:
                connection = HTTPConnection(host, port)
                connection.sock = _Wire(sock, deadline, self.limits.most_bytes)
                target = (url.path or "/") + (f"?{url.query}" if url.query else "")
                connection.request("POST", target, body, {"Host": url.netloc, "Accept-Encoding": "identity", **headers})
                answer = connection.getresponse()
                deadline.shorten(self.limits.body_seconds)
                return Answer(answer.status, _beginning(answer.read1))

    def _addresses(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        found = self.resolve(host, port)
        if self.outbound == "public" and not all(is_public(str(address[0])) for *_, address in found):
            raise NotSentError("The address is not public.")
        return found

    def _connected(self, addresses: Sequence[tuple[Any, ...]], deadline: "_Deadline") -> socket.socket:
        until = _Deadline(min(self.limits.connect_seconds, deadline.remaining()))
        failure: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(until.remaining())
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure

    def _encrypted(self, sock: socket.socket, host: str) -> socket.socket:
        return (self.trusts or _browsers()).wrap_socket(sock, server_hostname=host)


class _Deadline:
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
        self._until = min(self._until, time.monotonic() + seconds)


class _Wire:
    """The part of a socket that http.client uses. Every wait ends at the deadline, and so many bytes are read."""

    def __init__(self, sock: socket.socket, deadline: _Deadline, most_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._most_bytes = most_bytes

    def sendall(self, content: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Bytes(self._sock, self._deadline, self._most_bytes), 8192)

    def close(self) -> None:
        """Leave the socket open: its answer is still read when http.client has done with it."""


class _Bytes(io.RawIOBase):
    """What a socket receives until the deadline; after so many bytes it looks as if the other side had closed."""

    def __init__(self, sock: socket.socket, deadline: _Deadline, most_bytes: int) -> None:
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


def _beginning(read_some: Callable[[int], bytes]) -> str:
    """Return the beginning of a body, as far as it comes in time: the status alone decides."""
    body = b""
    try:
        while len(body) < _KEPT_BYTES and (part := read_some(_KEPT_BYTES - len(body))):
            body += part
    except (OSError, HTTPException, ValueError):
        pass  # what came is kept
    # PostgreSQL's text cannot hold a NUL.
    return body.decode("utf-8", "replace").replace("\x00", "\ufffd")


@cache
def _browsers() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=where())


# The first that fits says it.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "There was no answer in time."),
    (ssl.SSLError, "TLS could not be started."),
    (socket.gaierror, "The name could not be resolved."),
    (UnicodeError, "The name could not be resolved."),
    (ConnectionRefusedError, "The connection was refused."),
    (OSError, "The connection failed."),
    (Exception, "The answer was not HTTP."),
)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {error.verify_message}."
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))
