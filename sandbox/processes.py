"""Run the product's processes as in production, and measure their memory and processor time."""

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


def processor_seconds(pid: int) -> float:
    """Return the processor time that all descendants of a process have used so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_own_seconds(int(child)) + processor_seconds(int(child)) for child in children)


def _own_seconds(pid: int) -> float:
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> list[float]:
    """Return the peak resident memory of each child of a process, in MB, as the kernel reports it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [peak_megabytes_of(int(child)) for child in children]


def peak_megabytes_of(pid: int) -> float:
    """Return the peak resident memory of a process, in MB, as the kernel reports it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM:"))
