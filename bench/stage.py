"""The processes a benchmark runs against: real servers with fsync on, gunicorn as in production."""

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from runtime.processes import dying_with_parent
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer

WEBHOOK_SECRET = "whsec_bench"
_START_SECONDS = 30.0
# PostgreSQL's default of 128 MB is for no server in earnest: what several builds hold does not fit into it.
_AS_OF_ITS_SIZE = {"shared_buffers": "1GB"}


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Give the environment of processes that use a fresh durable PostgreSQL and a fresh Valkey."""
    with TemporaryDirectory(prefix="revmap-bench-") as directory:
        postgres = PostgresServer.start(Path(directory) / "postgres", options=_AS_OF_ITS_SIZE)
        valkey = ValkeyServer.start(Path(directory) / "valkey")
        try:
            yield {
                **os.environ,
                "DATABASE_URL": postgres.url,
                "REDIS_URL": valkey.url,
                "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
                "STRIPE_SECRET_KEY": "sk_live_bench",
                "STRIPE_API_BASE": "http://127.0.0.1:9",
                "APP_SECRET_KEY": "bench",
                "ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
            }
        finally:
            valkey.stop()
            postgres.stop()


@contextmanager
def process(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of ours for a while."""
    running = subprocess.Popen(
        dying_with_parent([sys.executable, *argv]), env=environment, stderr=subprocess.DEVNULL, process_group=0
    )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def web(application: str, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Serve an application with gunicorn as in production; give its port and the master's process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"PUBLIC_URL": f"http://127.0.0.1:{port}", **environment, "HOST": "127.0.0.1", "PORT": str(port)}
    with process(["-m", "gunicorn", application], settings) as running:
        _await(port)
        yield port, running.pid


def _await(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    pause = Event()
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except (OSError, urllib.error.URLError):
            pause.wait(0.05)
    raise TimeoutError("the web process did not come up")


def peak_megabytes(pid: int) -> list[float]:
    """Give the peak resident memory of each child of a process, in MB, as the kernel has it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [line for child in children for line in Path(f"/proc/{child}/status").read_text().splitlines()]
    return [round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM:")]
