"""Send one webhook: to exactly the address that was checked, within limits of time and size, following nothing."""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from certifi import where

from notices.outbound import Outbound, UnusableUrlError, is_public, usable_url
from workers.notices.timed_socket import Deadline, Wire

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
        deadline = Deadline(self.limits.request_seconds)
        host, port = url.hostname or "", url.port or {"https": 443, "http": 80}[url.scheme]
        with self._connected(self._addresses(host, port), deadline) as plain:
            plain.settimeout(deadline.remaining())
            sock = self._encrypted(plain, host) if url.scheme == "https" else plain
            with sock:
                connection = HTTPConnection(host, port)
                connection.sock = Wire(sock, deadline, self.limits.most_bytes)
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

    def _connected(self, addresses: Sequence[tuple[Any, ...]], deadline: Deadline) -> socket.socket:
        until = Deadline(min(self.limits.connect_seconds, deadline.remaining()))
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
