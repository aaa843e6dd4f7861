"""Show on a terminal, or in a log, how a sync goes. How much is left nobody knows, so no percentage is told."""

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

LOOK_SECONDS = 0.5
_RATE_OVER_SECONDS = 10.0
_SHOWN_WITH_DECIMAL = 10
_CLEAR_LINE = "\r\x1b[2K"

Told = dict[str, Any]


class Rate:
    """How quickly a count grows: over the last ten seconds, as far as they were seen."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def per_second(self, count: int, *, at_seconds: float) -> float:
        """Note the count at this time, and give its growth per second; 0 while there is nothing to compare with."""
        self._seen.append((at_seconds, count))
        while at_seconds - self._seen[0][0] > _RATE_OVER_SECONDS:
            self._seen.popleft()
        since, was = self._seen[0]
        return (count - was) / (at_seconds - since) if at_seconds > since else 0.0


class Progress:
    """Writes one line that changes in its place to a terminal, and a line for every change to anything else."""

    def __init__(self, stream: TextIO, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._seconds = seconds
        self._is_terminal = stream.isatty()
        self._rate = Rate()
        self._shown: str | None = None

    def show(self, told: Told) -> None:
        """Show how it stands."""
        rate = self._rate.per_second(told["counts"]["invoices_listed"], at_seconds=self._seconds())
        standing = standing_of(told)
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR_LINE + (standing + _in_words(rate))[:width])
        elif standing != self._shown:
            self._write(f"{standing}{_in_words(rate)}\n")
        self._shown = standing

    def end(self) -> None:
        """Leave the terminal's line empty for what follows."""
        if self._is_terminal and self._shown is not None:
            self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def watch(
    engine: Engine, told: Told, progress: Progress, *, pause: Callable[[float], object] | None = None
) -> dict[str, object]:
    """Show how a sync goes until it is over, and give what it came to. Holds no connection while it waits.

    :raises click.ClickException: there is no such sync any more
    """
    pause = pause or Event().wait
    company_id, run_id = told["company_id"], told["id"]
    try:
        while True:
            with engine.connect() as connection:
                run = find_run(connection, company_id, run_id)
                if run is None:
                    raise click.ClickException(f"there is no sync {run_id} of company {company_id} any more")
                if run.finished_at is not None:
                    return run_as_json(run)
                now = run_as_json(run, reached=reached_back_to(connection, run))
            progress.show(now)
            pause(LOOK_SECONDS)
    finally:
        progress.end()


def standing_of(told: Told) -> str:
    """Give in a line what is known of a sync under way: counts, the oldest month reached, and what it waits for."""
    counts, reached = told["counts"], told["coverage"]["from"]
    parts = [f"{counts['invoices_listed']:,} invoices", f"{counts['lines']:,} lines"]
    if isinstance(reached, datetime):
        parts.append(f"back to {reached:%Y-%m}")
    if told["waits_for"]:
        parts.append(f"waits for {told['waits_for']}")
    return f"{told['phase']}: {', '.join(parts)}" if told["status"] == "running" else str(told["status"])


def _in_words(rate: float) -> str:
    if rate <= 0:
        return ""
    return f", {rate:,.0f} invoices/s" if rate >= _SHOWN_WITH_DECIMAL else f", {rate:.1f} invoices/s"
