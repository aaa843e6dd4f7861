"""The whole product as `make run` starts it: the table equals the truth, and no process is left running."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from runtime.processes import dying_with_parent
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(150)
_READY_SECONDS = 60
_running: list[subprocess.Popen[str]] = []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="t-") as directory:
        yield Path(directory) / "var"
        while _running:
            _running.pop().kill()  # left running by a failed test


def start(var: Path) -> tuple[subprocess.Popen[str], str]:
    """Start everything, and return the process and what it printed."""
    unset = {"DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    running = subprocess.Popen(
        dying_with_parent([sys.executable, "-m", "sandbox.run", "--var", str(var)]),
        cwd=ROOT,
        env=environment | {"PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    _running.append(running)
    announced = ""
    assert running.stdout is not None
    for line in running.stdout:
        announced += line
        if "Ctrl-C stops all of it" in line:
            running.stdout.close()
            return running, announced
    raise AssertionError(announced)


def search(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, f"no {pattern!r} in {text}"
    return match[1]


def get_json(url: str, key: str | None = None) -> dict:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        read: dict = json.load(answer)
        return read


def table(url: str, key: str) -> list[dict]:
    """Read all pages of the list, and return the rows without what is not Stripe's to say."""
    rows, cursor = [], ""
    while True:
        page = get_json(f"{url}?limit=500{cursor}", key)
        rows += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    ignored = ("position", "updated_at", "mapping")
    return sorted(({name: row[name] for name in row if name not in ignored} for row in rows), key=identity)


def count(url: str, key: str) -> int:
    """Return how many rows the list has, for much less than reading them."""
    return sum(one["count"] for one in get_json(f"{url}?limit=1&include=totals", key)["totals"])


def identity(row: dict) -> tuple[str, str]:
    return row["invoice_id"], row["invoice_line_item_id"]


def eventually(holds: Callable[[], bool], seconds: float = _READY_SECONDS) -> bool:
    pause, deadline = Event(), time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        pause.wait(0.2)
    return holds()


def still_running(var: Path) -> list[str]:
    """Return the command lines of processes that still have our directory in their arguments or environment."""
    lines = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (process / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if str(var) in line or str(var) in environment:
                lines.append(line)
    return lines


def test_the_table_of_a_fresh_machine_equals_the_truth_and_no_end_leaves_anything_behind(var: Path) -> None:
    running, announced = start(var)
    key = search(r"(rmk_\S+)", announced)
    url = search(r"'(http\S+/revenue-lines)\?", announced)
    stripe = search(r"simulated Stripe at (http://[\d.]+:\d+)", announced)
    account = search(r"(acct_\w+) +Sample Studio", announced)
    truth = sorted(get_json(f"{stripe}/_sandbox/truth?account={account}")["answer"], key=identity)

    assert len(truth) > 1000
    assert eventually(lambda: count(url, key) == len(truth) and table(url, key) == truth)

    running.kill()
    running.wait()
    assert eventually(lambda: not still_running(var), 30), still_running(var)

    again, announced_again = start(var)
    again.send_signal(signal.SIGINT)
    assert again.wait(40) == 0
    assert search(r"(rmk_\S+)", announced_again) == key
    assert eventually(lambda: not still_running(var), 10), still_running(var)
