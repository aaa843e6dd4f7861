"""Configure gunicorn for the web process. HOST, PORT and WEB_CONCURRENCY come from the environment."""

import gc
import mmap
import os
import resource
import shutil
import socket
import sys
import tempfile
import uuid
from contextlib import AbstractContextManager, nullcontext, suppress
from types import FrameType
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

_HOST = os.environ.get("HOST") or "0.0.0.0"
_COUNTS = tempfile.mkdtemp(prefix="revmap-counts-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _COUNTS  # workers write their metrics there, and /metrics adds them up
_MOST_FILES = 8192
_OTHER_FILES = 200  # open files that a process needs besides client sockets
_CROWD = 32
_ACCEPTED_AT_ONCE_IN_A_CROWD = 20
# How many clients each process has, in a byte each that all processes share; so many stand for a process that is gone.
_NOBODY = 255
_CLIENTS = mmap.mmap(-1, 1024)
_CLIENTS.write(bytes([_NOBODY]) * len(_CLIENTS))
_LET_OTHERS_ACCEPT_SECONDS = 0.005
_MOST_AHEAD = 2
_NEXT_POLL_SECONDS = 1e-6  # with 0, gevent would not poll its sockets


class PromptWorker(GeventWorker):
    """A gevent worker that sets deadlines for clients and keeps page requests from delaying webhooks."""

    def run(self) -> None:
        """Serve requests, and limit the number of client sockets."""
        # This release's code, even if the master runs older code; and all of it, before another release replaces it.
        from app.http.sockets import Sockets  # noqa: PLC0415
        from app.problems.wire import wire_problem  # noqa: PLC0415

        self.wire_problem = wire_problem
        of_an_address = _MOST_SOCKETS if _HOPS else _MOST_SOCKETS_OF_AN_ADDRESS
        self.clients = Sockets(most=_MOST_SOCKETS, most_of_an_address=of_an_address, idle_seconds=self.cfg.keepalive)
        self._note_clients()
        gevent.spawn(self.clients.keep_in_bounds)
        super().run()

    def server_class(self, listener: socket.socket, *, spawn: Pool, **_options: object) -> StreamServer:
        """Return a server that accepts one connection at a time, or 20 in a crowd.

        A process that has two more clients than another lets the others accept first: some clients keep connections
        for long, and the process that happens to be awake would get them all.
        """

        def handle(client: socket.socket, address: object) -> None:
            is_crowd = len(self.clients) > _CROWD
            server.max_accept = _ACCEPTED_AT_ONCE_IN_A_CROWD if is_crowd else 1
            if not is_crowd and len(self.clients) >= min(_CLIENTS[:]) + _MOST_AHEAD:
                server.stop_accepting()
                gevent.spawn_later(_LET_OTHERS_ACCEPT_SECONDS, go_on)
            self.handle(listener, client, address)

        def go_on() -> None:
            if not server.closed:
                server.start_accepting()

        server = StreamServer(listener, handle=handle, spawn=spawn)
        server.max_accept = 1
        return server

    def load_wsgi(self) -> None:
        """Load the application; start at most one request that is not a webhook between two polls of the sockets.

        A webhook that arrives among many page requests therefore waits for one of them, not for all.
        """
        gc.disable()  # until `post_worker_init`: what is loaded stays, and looking through it takes a sixth of the time
        super().load_wsgi()
        serve, turn = self.wsgi, BoundedSemaphore()

        def serve_in_turn(environ: dict[str, Any], start_response: object) -> object:
            path = environ["PATH_INFO"]
            if not path.startswith("/webhooks/") and path != "/healthz":
                with turn:
                    gevent.sleep(_NEXT_POLL_SECONDS)
            return serve(environ, start_response)

        self.wsgi = serve_in_turn

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """Return a context without a timeout: the client's socket has its own deadlines."""
        return nullcontext()

    def handle(self, listener: object, client: socket.socket, addr: object) -> None:
        """Serve a connection with deadlines."""
        with self.clients.holding(client, addr) as wrapped:
            self._note_clients()
            super().handle(listener, wrapped, addr)
        self._note_clients()

    def _note_clients(self) -> None:
        _CLIENTS[self.age % len(_CLIENTS)] = min(len(self.clients), _NOBODY - 1)

    def handle_request(self, listener_name: object, req: Request, sock: Any, addr: object) -> None:  # noqa: ANN401
        """Answer a request; `sock` is the socket that `handle` wrapped."""
        sock.begin_request()
        super().handle_request(listener_name, req, sock, addr)
        sock.await_request()

    def handle_error(self, request: Request, client: Any, address: object, error: Exception) -> None:  # noqa: ANN401
        """Refuse a request that is not valid HTTP, without logging its content, which may contain a key."""
        is_ours = isinstance(error, InvalidResponseHeader | InvalidResponseHeaderName)
        if is_ours or not isinstance(error, ParseException):
            super().handle_error(request, client, address, error)
            return
        request_id = str(uuid.uuid4())
        self.log.warning("Refused what could not be read: %s, request_id %s", type(error).__name__, request_id)
        with suppress(OSError):
            client.sendall(self.wire_problem(error, request_id))
        client.let_the_answer_arrive()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Shut down gracefully on SIGTERM."""
        super().handle_exit(sig, frame)
        gevent.spawn(_end_streams)
        gevent.spawn(self._close_the_idle)

    def _close_the_idle(self) -> None:
        """Close idle connections until the process ends, because it accepts and serves new ones for one more second."""
        while True:
            self.clients.close_the_idle()
            gevent.sleep(0.2)


def _end_streams() -> None:
    """End the streams, each of which would delay the exit for the whole grace period. Their clients reconnect."""
    # Our packages are on sys.path only once gunicorn has loaded its settings.
    from app.http.stopping import stopping  # noqa: PLC0415

    stopping.set()


def _whole_number(name: str, default: int, *, least: int, most: int) -> int:
    """Read a setting, or exit with code 2 as the application does for its own settings."""
    digits = os.environ.get(name, "").strip() or str(default)
    if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(most)) and least <= int(digits) <= most:
        return int(digits)
    sys.stderr.write(f"revmap cannot start: {name} is not a whole number from {least} to {most}\n")
    sys.exit(2)


def _files() -> int:
    """Raise the limit on open files as far as permitted, to 8,192 at most, and return it."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(_MOST_FILES, most)
    if resource.RLIM_INFINITY != allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted


_PORT = _whole_number("PORT", 8000, least=0, most=65_535)
bind = f"[{_HOST}]:{_PORT}" if ":" in _HOST else f"{_HOST}:{_PORT}"
_HOPS = _whole_number("TRUSTED_PROXY_HOPS", 0, least=0, most=2**31 - 1)
workers = _whole_number("WEB_CONCURRENCY", 2, least=1, most=1000)
worker_class = PromptWorker  # with gevent a slow socket costs nothing, and requests that wait together share one append
graceful_timeout = 30  # seconds for the requests under way
keepalive = 75  # seconds; longer than the 60 s of common load balancers, so that we never hang up first
worker_connections = max(1, _files() - _OTHER_FILES)  # above the limits below, which are checked after accepting
_MOST_SOCKETS = min(3000, worker_connections // 2)
_MOST_SOCKETS_OF_AN_ADDRESS = min(1000, worker_connections // 6)  # not applied behind a proxy, which has one address
sendfile = False  # it would wait for a slow reader without a limit; static files are small
limit_request_line = 8190  # bytes; the query carries filters and signed cursors
limit_request_fields = 100
limit_request_field_size = 8190  # bytes
accesslog = None  # the application logs each request itself
control_socket_disable = True  # its file would be in the home directory, shared by two servers of one user


def post_worker_init(_worker: GeventWorker) -> None:
    """Exclude what was loaded at startup from garbage collection: it stays, and scanning it stalls requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pre_request(_worker: GeventWorker, request: Request) -> None:
    """Close the connection, and have the answer say so, if the body is not read to its end by then.

    Otherwise gunicorn would read on, serving nobody else.
    """
    asked_to_close = request.should_close
    request.should_close = lambda: asked_to_close() or _is_unread(request)


def post_request(_worker: GeventWorker, request: Request, _environ: object, _response: object) -> None:
    """Let the answer arrive at a client that may still be sending the body."""
    if _is_unread(request):
        request.unreader.sock.let_the_answer_arrive()


def _is_unread(request: Request) -> bool:
    reader = request.body.reader
    return bool(getattr(reader, "length", 0) or getattr(reader, "parser", None))


def child_exit(_server: Arbiter, worker: GeventWorker) -> None:
    """Mark a worker as dead, so that its gauges no longer count."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - it looks for _COUNTS when imported

    mark_process_dead(worker.pid)
    _CLIENTS[worker.age % len(_CLIENTS)] = _NOBODY


def on_exit(_server: Arbiter) -> None:
    """Delete the directory of the metrics."""
    shutil.rmtree(_COUNTS, ignore_errors=True)


def on_starting(_server: Arbiter) -> None:
    """Exit the master with code 2 and the variable's name if a setting or a data key is missing."""
    # Our packages are on sys.path only once gunicorn has loaded its settings.
    from app.wiring.settings import WebSettings  # noqa: PLC0415
    from runtime.loading import call_in_fork  # noqa: PLC0415

    WebSettings.from_environ()
    # In a process of its own: a driver imported here, before gevent has patched the blocking calls, would make every
    # request of a worker wait for one slow answer from the database.
    call_in_fork(_check)


def _check() -> None:
    """Exit with code 2 if a role or a data key is missing."""
    from app.wiring.key_check import check  # noqa: PLC0415

    check()
