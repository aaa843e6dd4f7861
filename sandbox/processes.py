"""Run the product's processes as in production, and measure their memory."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from runtime.processes import dying_with_parent

_START_SECONDS = 30.0


@contextmanager
def process(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python process, and stop it at the end of the `with` block."""
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
    """Serve an application with gunicorn as in production; yield its port and the master's process id."""
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
    """Return the peak resident memory of each child of a process, in MB, as the kernel reports it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [line for child in children for line in Path(f"/proc/{child}/status").read_text().splitlines()]
    return [round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM:")]
