"""A web process with its own PostgreSQL and Valkey, for tests that stop and kill them."""

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Self
from urllib.request import Request, urlopen

import psycopg
from sqlalchemy import Engine

from migrations.run import upgrade
from runtime.database import open_engine
from sandbox import Server
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
from tests.support.web.tools import SCRAPER
from tests.support.web.webhooks import Answer, invoice_event, send, until, web_process


@dataclass
class WebStack:
    """A web process and its servers. `postgres` and `valkey` are replaced when a server is restarted."""

    postgres: PostgresServer
    valkey: ValkeyServer
    engine: Engine
    port: int = 0
    master: int = 0

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start everything in a new directory, and stop everything afterwards."""
        with tempfile.TemporaryDirectory(prefix="t-") as directory, ExitStack() as cleanup:
            postgres = PostgresServer.start(Path(directory, "p"))
            valkey = ValkeyServer.start(Path(directory, "v"), durable=False)
            stack = cls(postgres, valkey, open_engine(postgres.url, name="tests", pool_size=2))
            cleanup.callback(stack.close)
            upgrade(stack.engine)
            stack.port, stack.master = cleanup.enter_context(web_process(postgres.url, valkey.url))
            assert stack.is_up()
            yield stack

    def close(self) -> None:
        self.engine.dispose()
        self.postgres.stop()
        self.valkey.stop()

    def send(self, body: bytes) -> Answer:
        return send(self.port, body)

    def is_up(self) -> bool:
        with suppress(OSError):
            return self.send(invoice_event(account="acct_of_nobody")).status == 200
        return False

    def webhooks_counted(self) -> int:
        """Return how many webhooks were answered with 200, according to /metrics."""
        asked = Request(f"http://127.0.0.1:{self.port}/metrics", headers=SCRAPER)
        with urlopen(asked, timeout=40) as answer:
            metrics = answer.read().decode()
        acknowledged = r'^revmap_request_seconds_count{.*route="/webhooks/stripe",status="200"} (\S+)$'
        return sum(int(float(number)) for number in re.findall(acknowledged, metrics, re.MULTILINE))

    def kill_worker(self) -> None:
        """Kill the web process's one worker, as soon as there is one."""
        assert until(lambda: len(children_of(self.master)) == 1)
        os.kill(children_of(self.master)[0], signal.SIGKILL)

    def kill_postgres(self) -> None:
        """Kill PostgreSQL with all its processes, and start it again."""
        for process in (self.postgres.pid, *children_of(self.postgres.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.postgres.process.wait(40)
        self.restart_postgres()

    def restart_postgres(self) -> None:
        """Start PostgreSQL again after it was stopped or killed."""
        self.engine.dispose()
        self.postgres = PostgresServer.start(self.postgres.directory)

    def disk_writes(self) -> int:
        """Return how often PostgreSQL flushed its WAL to disk.

        Sessions report their counts when they end, so the intake's sessions are terminated first.
        """
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'revmap-intake'"
            )
            flushes = (
                "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"
                if connection.info.server_version >= 180_000
                else "SELECT wal_sync FROM pg_stat_wal"
            )
            row = connection.execute(flushes).fetchone()
        assert row is not None
        return int(row[0])


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop the server's processes with SIGSTOP, and resume them afterwards."""
    processes = [server.pid, *children_of(server.pid)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@dataclass
class Sent:
    """The bodies that senders sent: answered with 200, answered with another status, or not answered at all."""

    acknowledged: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)


def send_until_stopped(stack: WebStack, account: str, stop: Event, sent: Sent) -> None:
    """Send one event after another until `stop` is set, and note how each was answered."""
    while not stop.is_set():
        body = invoice_event(account=account)
        try:
            outcome = sent.acknowledged if stack.send(body).status == 200 else sent.refused
        except OSError:
            outcome = sent.unanswered
        outcome.append(body)


@contextmanager
def sending_events(stack: WebStack, account: str) -> Iterator[Sent]:
    """Let four threads send events meanwhile, and yield the record of what they sent; it is complete afterwards."""
    stop, sent = Event(), Sent()
    with ThreadPoolExecutor(4) as threads:
        senders = [threads.submit(send_until_stopped, stack, account, stop, sent) for _ in range(4)]
        try:
            yield sent
        finally:
            stop.set()
    for sender in senders:
        sender.result()
