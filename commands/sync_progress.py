"""Show a sync's progress on a terminal or in a log. Without a percentage, since nobody knows how much is left."""

import shutil
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import Any, TextIO

import click
from sqlalchemy import Engine

from backlog.syncs.report import reached_back_to, run_as_json
from backlog.syncs.requests import find_run
from commands.terminal import counted

LOOK_SECONDS = 0.5
_RATE_OVER_SECONDS = 10.0
_SHOWN_WITH_DECIMAL = 10
_CLEAR_LINE = "\r\x1b[2K"

RunAsJson = dict[str, Any]


class Rate:
    """The rate at which a count grows over the last ten seconds, or over as much of them as was seen."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def per_second(self, count: int, *, at_seconds: float) -> float:
        """Record a count and return its growth per second, or 0 while there is nothing to compare it with."""
        self._seen.append((at_seconds, count))
        while at_seconds - self._seen[0][0] > _RATE_OVER_SECONDS:
            self._seen.popleft()
        first_seconds, first_count = self._seen[0]
        return (count - first_count) / (at_seconds - first_seconds) if at_seconds > first_seconds else 0.0


class Progress:
    """Writes progress as one line updated in place on a terminal, or as a line per change anywhere else."""

    def __init__(self, stream: TextIO, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._seconds = seconds
        self._is_terminal = stream.isatty()
        self._rate = Rate()
        self._shown: str | None = None

    def show(self, run: RunAsJson) -> None:
        """Write the current state of the run."""
        rate = self._rate.per_second(run["counts"]["invoices_listed"], at_seconds=self._seconds())
        state = progress_line(run)
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR_LINE + (state + _in_words(rate))[:width])
        elif state != self._shown:
            self._write(f"{state}{_in_words(rate)}\n")
        self._shown = state

    def end(self) -> None:
        """Clear the progress line on a terminal."""
        if self._is_terminal and self._shown is not None:
            self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def watch(
    engine: Engine, sync_run: RunAsJson, progress: Progress, *, pause: Callable[[float], object] | None = None
) -> dict[str, object]:
    """Show a sync's progress until it ends, and return the finished run as JSON. Holds no connection while waiting.

    :raises click.ClickException: the sync no longer exists
    """
    pause = pause or Event().wait
    company_id, run_id = sync_run["company_id"], sync_run["id"]
    try:
        while True:
            with engine.connect() as connection:
                run = find_run(connection, company_id, run_id)
                if run is None:
                    raise click.ClickException(f"sync {sync_run['number']} of company {company_id} no longer exists")
                if run.finished_at is not None:
                    return run_as_json(run)
                now = run_as_json(run, reached=reached_back_to(connection, run))
            progress.show(now)
            pause(LOOK_SECONDS)
    finally:
        progress.end()


def progress_line(run: RunAsJson) -> str:
    """Return a one-line status of an unfinished sync: counts, the oldest month reached, and what it waits for."""
    counts, reached = run["counts"], run["coverage"]["from"]
    parts = [counted(counts["invoices_listed"], "invoice"), counted(counts["lines"], "line")]
    if isinstance(reached, datetime):
        parts.append(f"back to {reached:%Y-%m}")
    if run["waits_for"]:
        parts.append(f"waiting for {run['waits_for']}")
    return f"{run['phase']}: {', '.join(parts)}" if run["status"] == "running" else str(run["status"])


def _in_words(rate: float) -> str:
    if rate <= 0:
        return ""
    return f", {rate:,.0f} invoices/s" if rate >= _SHOWN_WITH_DECIMAL else f", {rate:.1f} invoices/s"
