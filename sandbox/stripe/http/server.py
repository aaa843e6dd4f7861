"""Serve the simulated Stripe on a socket, and close the connections that clients keep open when it stops."""

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any, Self

from sandbox.stripe.http.conversation import Conversation
from sandbox.stripe.http.messages import Answer, Request


@dataclass(frozen=True, slots=True)
class Address:
    """An address to listen on. Port 0 means any free port."""

    host: str = "127.0.0.1"
    port: int = 0


class HttpServer:
    """An HTTP server that sends what `answer` returns after `latency_ms`. Use it in a `with`, or start and stop it."""

    def __init__(self, answer: Callable[[Request], Answer], address: Address, *, latency_ms: int = 0) -> None:
        self._stopping = Event()
        self._listener = _Listener(address, answer, self._wait, latency_ms)
        self._thread = Thread(target=self._listener.serve_forever, args=(0.02,), name="simulated-stripe", daemon=True)

    @property
    def url(self) -> str:
        """Return the server's base URL, for example `http://127.0.0.1:12111`."""
        host, port = self._listener.server_address[:2]
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host!s}:{port}"

    def start(self) -> Self:
        """Serve in the background."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self._stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def _wait(self, milliseconds: int) -> None:
        # Not a sleep, so that stopping the server ends the wait.
        if milliseconds:
            self._stopping.wait(milliseconds / 1_000)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    """A listener that keeps track of open connections, so that stopping also closes those that clients keep alive."""

    request_queue_size = 128
    daemon_threads = False  # joined when the listener closes: no thread outlives the server

    def __init__(
        self, address: Address, answer: Callable[[Request], Answer], wait: Callable[[int], None], latency_ms: int
    ) -> None:
        self.answer = answer
        self.wait = wait
        self.latency_ms = latency_ms
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((address.host, address.port), Conversation)

    def server_bind(self) -> None:
        """Bind without looking up our host name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Register the connection and serve it in its own thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in the base class
        """Close a connection: cleanly, or with a reset if lingering was turned off."""
        with self._lock:
            self._open.discard(request)
        lingering = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
        if lingering[0]:
            request.close()
        else:
            super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and close every connection."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client closed it first
                    continue
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Ignore a client that disconnects during an answer. Any other error is a bug of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
