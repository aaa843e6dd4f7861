"""A real server on this machine that receives webhooks, and behaves well or badly, as the path says."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple


class Received(NamedTuple):
    """A request: when it came (monotonic seconds), and what it held."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes


# Whole answers, byte for byte.
_RAW = {
    "headers": b"HTTP/1.1 200 OK\r\n" + (b"X-Much: " + b"y" * 1000 + b"\r\n") * 90 + b"\r\nlate",
    "nonsense": b"\x00\x01 not http\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na\x00b\xff\xfec",
}


@dataclass
class Receiver:
    """What the server received. `statuses`: answers by path, 204 for others; `hung` ends requests that hang."""

    received: list[Received] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    most_at_once: dict[str, int] = field(default_factory=dict)
    hung: Event = field(default_factory=Event)
    url: str = ""
    _at_once: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def to(self, path: str) -> list[Received]:
        """Return the requests to a path, in order."""
        return [one for one in self.received if one.path == path]

    def begin(self, received: Received) -> None:
        with self._lock:
            self.received.append(received)
            self._at_once[received.path] = at_once = self._at_once.get(received.path, 0) + 1
            self.most_at_once[received.path] = max(at_once, self.most_at_once.get(received.path, 0))

    def end(self, path: str) -> None:
        with self._lock:
            self._at_once[path] -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a sender that hangs up is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(time.monotonic(), self.path, headers, body)
        self.server.receiver.begin(received)
        try:
            with suppress(OSError):
                self._answer(self.path.split("?")[0].rsplit("/", 1)[-1])
        finally:
            self.server.receiver.end(self.path)

    def _answer(self, behaviour: str) -> None:
        badly = {
            "hang": self._hang,
            "drip": self._drip,
            "slow-body": self._begin_a_body,
            "redirect": self._redirect,
            "big": self._send_much,
        }
        if behaviour in badly:
            badly[behaviour]()
        elif behaviour in _RAW:
            self.wfile.write(_RAW[behaviour])
        else:
            status = self.server.receiver.statuses.get(self.path, 204)
            self._head(status, {} if status == 204 else {"Content-Length": "4"})
            self.wfile.write(b"" if status == 204 else b"said")

    def _hang(self) -> None:
        self.server.receiver.hung.wait(30)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.receiver.hung.wait(0.02):
            self.wfile.write(b"X-More: 1\r\n")

    def _begin_a_body(self) -> None:
        self._head(200, {"Content-Length": "100"})
        self.wfile.write(b"begun")
        self._hang()

    def _redirect(self) -> None:
        self._head(302, {"Location": f"{self.server.receiver.url}/inside", "Content-Length": "0"})

    def _send_much(self) -> None:
        self._head(200, {"Content-Length": "10000000"})
        self.wfile.write(b"x" * 10_000_000)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiver(*, certificate: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run the server on a free port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if certificate:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    server.receiver = Receiver(url=f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.hung.set()
        server.shutdown()
        server.server_close()
