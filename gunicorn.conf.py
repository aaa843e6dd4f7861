"""How gunicorn serves the web process. HOST, PORT and WEB_CONCURRENCY come from the environment."""

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from types import FrameType
from typing import Self

import gevent
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

_HOST = os.environ.get("HOST") or "0.0.0.0"
_LINGER_SECONDS = 1
_LINGER_BYTES = 4_000_000
_COUNTS = tempfile.mkdtemp(prefix="revmap-counts-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _COUNTS  # workers keep their counts there, and /metrics adds them up
_waiting: dict["_Idle", tuple[gevent.Greenlet, float]] = {}  # the time is monotonic seconds


class PromptWorker(GeventWorker):
    """A gevent worker that hangs up on idle connections when it stops; each would hold it for the whole grace."""

    def timeout_ctx(self) -> gevent.Timeout:
        """Give the limit on waiting for a connection's next request."""
        return _Idle(self.cfg.keepalive)

    def handle_error(self, request: Request, client: socket.socket, address: object, error: Exception) -> None:
        """Refuse what cannot be read as HTTP; what was sent is not logged, for it may hold a key."""
        is_ours = isinstance(error, InvalidResponseHeader | InvalidResponseHeaderName)
        if is_ours or not isinstance(error, ParseException):
            super().handle_error(request, client, address, error)
            return
        from app.wire_problems import wire_problem  # noqa: PLC0415 - the path is ours only in a worker

        request_id = str(uuid.uuid4())
        self.log.warning("Refused what could not be read: %s, request_id %s", type(error).__name__, request_id)
        with suppress(OSError):
            client.sendall(wire_problem(error, request_id))
        _let_the_answer_arrive(client)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order, as SIGTERM asks."""
        super().handle_exit(sig, frame)
        gevent.spawn(_end_what_lasts)
        gevent.spawn(_hang_up_on_idle)


class _Idle(gevent.Timeout):
    """Notes who is waiting since when, and ends the waiting without an error."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, exception=False)

    def __enter__(self) -> Self:
        _waiting[self] = (gevent.getcurrent(), time.monotonic())
        return super().__enter__()

    def __exit__(self, *error: object) -> bool | None:
        del _waiting[self]
        return super().__exit__(*error)


def _end_what_lasts() -> None:
    """End the streams: each would hold the process for the whole grace. Whoever reads one asks again."""
    from app.stopping import stopping  # noqa: PLC0415 - the path is ours only once gunicorn has loaded its settings

    stopping.set()


def _hang_up_on_idle() -> None:
    """Go on until the process ends: it accepts connections for one second more, and answers what they ask."""
    while True:
        for idle, (connection, since) in list(_waiting.items()):
            if time.monotonic() - since > 1:
                connection.kill(idle, block=False)
        gevent.sleep(0.2)


def _whole_number(name: str, default: int, *, least: int, most: int) -> int:
    """Read a setting, or stop as a setting of the application's would."""
    told = os.environ.get(name, "").strip() or str(default)
    if told.isascii() and told.isdecimal() and len(told) <= len(str(most)) and least <= int(told) <= most:
        return int(told)
    sys.stderr.write(f"revmap cannot start: {name} is not a whole number from {least} to {most}\n")
    sys.exit(2)


_PORT = _whole_number("PORT", 8000, least=0, most=65_535)
bind = f"[{_HOST}]:{_PORT}" if ":" in _HOST else f"{_HOST}:{_PORT}"
workers = _whole_number("WEB_CONCURRENCY", 2, least=1, most=1000)
worker_class = PromptWorker  # with gevent a slow socket costs nothing, and requests that wait together share one append
graceful_timeout = 30  # seconds for the requests under way
keepalive = 75  # seconds; longer than the 60 s of common load balancers, so that it is never us who hang up first
limit_request_line = 8190  # bytes; filters and signed cursors travel in the query
limit_request_fields = 100
limit_request_field_size = 8190  # bytes
accesslog = None  # the application logs each request itself
control_socket_disable = True  # it would lie in the home, and two servers of one user would share it


def post_worker_init(_worker: GeventWorker) -> None:
    """Leave what was loaded at the start out of every garbage collection: it stays, and walking it stalls requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def post_request(_worker: GeventWorker, request: Request, _environ: object, _response: object) -> None:
    """Hang up on what was not read of a body: gunicorn would read on, and serve nobody else for as long as it comes."""
    reader = request.body.reader
    if getattr(reader, "length", 0) or getattr(reader, "parser", None):
        request.force_close()
        _let_the_answer_arrive(request.unreader.sock)


def _let_the_answer_arrive(connection: socket.socket) -> None:
    """Take in some of what still comes: closing on it resets the connection, and the answer is lost (RFC 9112 §9.6)."""
    left_bytes = _LINGER_BYTES
    with gevent.Timeout(_LINGER_SECONDS, exception=False), suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while left_bytes > 0 and (taken := connection.recv(65_536)):
            left_bytes -= len(taken)


def child_exit(_server: Arbiter, worker: GeventWorker) -> None:
    """Note that a worker is gone, so that its gauges count no more."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - it looks for _COUNTS when imported

    mark_process_dead(worker.pid)


def on_exit(_server: Arbiter) -> None:
    """Take the counts away with the process that kept them."""
    shutil.rmtree(_COUNTS, ignore_errors=True)


def on_starting(_server: Arbiter) -> None:
    """Stop the master with exit code 2 and the variable's name when a setting or a data key is missing."""
    from app.settings import WebSettings  # noqa: PLC0415 - the path is ours only once gunicorn has loaded its settings

    WebSettings.from_environ()
    # In a process of its own: a driver that is imported here, before gevent has patched what it waits with, would make
    # every request of a worker wait for one slow answer of the database.
    checked = subprocess.run([sys.executable, "-m", "app.key_check"], check=False)
    if checked.returncode:
        sys.exit(checked.returncode)
