"""Send webhooks, read what was stored, make the database fail, and run a web process on a port."""

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from threading import Event
from typing import NamedTuple

from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from events.log.read import RecordedEvent, stream_events
from runtime.clock import utc_now
from runtime.processes import dying_with_parent
from sandbox.processes import web
from tests.support.clock import NOON
from tests.support.payloads import event, new_invoice
from tests.support.signing import SECRET, json_bytes, signed
from tests.support.web.tools import METRICS_TOKEN

WEBHOOK_PATH = "/webhooks/stripe"

_FAULT = """
    CREATE SEQUENCE fault_count;
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF {when} THEN RAISE EXCEPTION 'planted by a test' USING ERRCODE = '{sqlstate}'; END IF;
        RETURN NEW;
    END $$;
    CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION fault();
"""
_AT_ONCE = "TRIGGER fault BEFORE INSERT ON event"
_AT_COMMIT = "CONSTRAINT TRIGGER fault AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED"
_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


class Answer(NamedTuple):
    """The web process's response, and after how many seconds it came."""

    status: int
    headers: dict[str, str]
    seconds: float


def post(client: FlaskClient, body: bytes, *, at: datetime = NOON, secret: str = SECRET) -> TestResponse:
    """Post a body with its signature."""
    return client.post(WEBHOOK_PATH, data=body, headers=signed(body, secret=secret, at=at))


def invoice_event(invoice_id: str = "in_1", event_type: str = "invoice.paid", **envelope: object) -> bytes:
    """Return the body of an event about a paid invoice."""
    return json_bytes(event(new_invoice(invoice_id), event_type, **envelope))


def log_of(engine: Engine, company_id: int) -> list[RecordedEvent]:
    """Return the Stripe events in a company's log, in order."""
    with engine.connect() as connection:
        return [recorded for recorded in stream_events(connection, company_id) if recorded.source == "stripe"]


def bodies_of(engine: Engine, company_id: int) -> list[bytes]:
    """Return the bodies of the Stripe events in a company's log, in order."""
    return [recorded.payload for recorded in log_of(engine, company_id)]


def count(engine: Engine, table: str) -> int:
    """Return how many rows of a table came from Stripe; `event_conflict` has no other rows."""
    source = "" if table == "event_conflict" else "WHERE source = 'stripe'"
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table} {source}")).scalar_one())  # noqa: S608


def count_stored(engine: Engine) -> int:
    """Return how many Stripe events are stored, in all logs and parked."""
    return count(engine, "event") + count(engine, "parked_event")


def inject_fault(engine: Engine, sqlstate: str, *, when: str = "true", at_commit: bool = False) -> None:
    """Make every insert into the log, or its commit, fail with this SQLSTATE while the SQL condition is true."""
    fault = _FAULT.format(sqlstate=sqlstate, when=when, trigger=_AT_COMMIT if at_commit else _AT_ONCE)
    with engine.begin() as connection:
        connection.execute(text(fault))


def remove_fault(engine: Engine) -> None:
    """Remove the injected fault."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER fault ON event; DROP FUNCTION fault; DROP SEQUENCE fault_count")


def until(condition: Callable[[], bool], *, seconds: float = 40.0) -> bool:
    """Wait until the condition is true, and return whether it became true in time."""
    deadline = time.monotonic() + seconds
    pause = Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.005)
    return True


@contextmanager
def web_process(database_url: str, redis_url: str, *, workers: int = 1) -> Iterator[tuple[int, int]]:
    """Serve our app with gunicorn as in production, and yield its port and the master's process id."""
    with web("wsgi:app", os.environ | _settings(database_url, redis_url, workers)) as running:
        yield running


@contextmanager
def web_process_behind(listener: socket.socket, database_url: str, redis_url: str) -> Iterator[int]:
    """Serve our app at a socket that is handed over as systemd does, and yield the master's process id.

    https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
    """
    port = listener.getsockname()[1]
    settings = _settings(database_url, redis_url, 1) | {"PUBLIC_URL": f"http://127.0.0.1:{port}", "LISTEN_FDS": "1"}
    running = subprocess.Popen(
        dying_with_parent([sys.executable, "-c", _HAND_OVER, str(listener.fileno()), "-m", "gunicorn", "wsgi:app"]),
        env=os.environ | settings,
        pass_fds=[listener.fileno()],
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait(40)


def _settings(database_url: str, redis_url: str, workers: int) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STRIPE_WEBHOOK_SECRETS": f"whsec_retired,{SECRET}",
        "STRIPE_SECRET_KEY": "sk_live_of_the_tests",
        "APP_SECRET_KEY": "the tests' secret key, of 32 bytes",
        "METRICS_TOKEN": METRICS_TOKEN,
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
        "WEB_CONCURRENCY": str(workers),
    }


def send(port: int, body: bytes, *, seconds: float = 30.0) -> Answer:
    """Send a body, signed now, to a web process on a new connection.

    :raises OSError: the connection broke
    """
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", WEBHOOK_PATH, body, signed(body, at=utc_now()))
        response = connection.getresponse()
        response.read()
        return Answer(response.status, dict(response.getheaders()), time.monotonic() - started)
    finally:
        connection.close()


def open_request(port: int, head: bytes, body: bytes = b"") -> socket.socket:
    """Begin a webhook request on a raw socket. `head` is the header lines after the request line and `Host`."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=15)
    connection.sendall(b"POST /webhooks/stripe HTTP/1.1\r\nHost: revmap.test\r\n" + head + b"\r\n\r\n" + body)
    return connection


def status_of(connection: socket.socket) -> int | None:
    """Return the status of the response, or None if the connection ended without one."""
    try:
        head = connection.recv(4096)
    except ConnectionError:
        return None
    return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else None
