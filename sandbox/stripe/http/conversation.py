"""Serve one client connection: requests one after another, and answers sent whole or broken on purpose."""

import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol, cast

from sandbox.stripe.http.messages import Answer, Request, Wire, request_from_target

_NO_LINGER = struct.pack("ii", 1, 0)
_BLANKS = b" " * 65_536
_SOUND = Wire()


class _Serving(Protocol):
    """What a conversation needs from its server."""

    answer: Callable[[Request], Answer]
    wait: Callable[[int], None]
    latency_ms: int


class Conversation(BaseHTTPRequestHandler):
    """A handler that answers every method and keeps the connection alive. It logs nothing, as the front does that."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer one request."""
        serving = cast("_Serving", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = request_from_target(self.command, self.path, dict(self.headers.items()), body)
        serving.wait(serving.latency_ms)
        self._send(serving.answer(request), serving.wait)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Log nothing."""

    def _send(self, answer: Answer, wait: Callable[[int], None]) -> None:
        wire = answer.wire or _SOUND
        if wire.drip_bytes is None:
            wait(wire.wait_ms)
        if wire.reset or wire.silent:
            self._leave(wire)
            return
        head = self._head(answer, len(answer.body) + wire.pad_bytes)
        if wire.drip_bytes is not None:
            self._drip(head, answer.body, wire.drip_bytes, lambda: wait(wire.wait_ms))
        elif wire.pad_bytes:
            self._pad(head, answer.body, wire.pad_bytes)
        else:
            self.wfile.write(head + answer.body[: wire.send_only])
            self.close_connection |= wire.send_only is not None

    def _leave(self, wire: Wire) -> None:
        self.close_connection = True
        if wire.reset:
            # Closing without lingering drops unsent data: the client sees a reset, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        elif not wire.wait_ms:
            # Silent until the client gives up.
            self.connection.recv(1)

    def _head(self, answer: Answer, length: int) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", "Server: nginx"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        lines += [f"Content-Length: {length}", f"Connection: {'close' if self.close_connection else 'keep-alive'}"]
        return "\r\n".join((*lines, "\r\n")).encode("latin-1")

    def _drip(self, head: bytes, body: bytes, size: int, pause: Callable[[], None]) -> None:
        self.wfile.write(head)
        for start in range(0, len(body), size):
            pause()
            self.wfile.write(body[start : start + size])

    def _pad(self, head: bytes, body: bytes, blanks: int) -> None:
        self.wfile.write(head)
        while blanks > 0:
            blanks -= self.wfile.write(_BLANKS[:blanks])
        self.wfile.write(body)
