"""Measure the page of a large table through gunicorn: first paint, scrolling, figures, and a CSV of all of it."""

import html
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPConnection, HTTPResponse

from sqlalchemy import Engine

from bench.queries import large_table
from bench.stage import servers
from runtime.clock import utc_now
from sandbox.processes import peak_megabytes, web
from tenants.people.sessions import open_session
from tenants.people.users import add_user, set_member

_SCROLLED = 50
_CHUNK_BYTES = 1 << 16
_FILTERS = {"none": "", "paid_recurring": "invoice_status=paid&type=recurring", "amount": "sort=-amount"}


def run(*, lines: int, repeats: int) -> dict[str, object]:
    """Create a company with this many lines, and return the results."""
    with servers() as environment, large_table(environment, lines) as (engine, company_id):
        return {"benchmark": "pages", "lines": lines, **measure(environment, engine, company_id, repeats=repeats)}


def measure(environment: Mapping[str, str], engine: Engine, company_id: int, *, repeats: int) -> dict[str, object]:
    """Return the milliseconds of pages and their parts, from the request to the last byte."""
    with web("wsgi:app", environment) as (port, pid):
        browser = _Browser(port, engine, company_id)
        first = {name: _timed(partial(browser.page, query), repeats) for name, query in _FILTERS.items()}
        rows, seconds = browser.export()
        return {
            "first_paint": first,
            "scrolling": {name: browser.scroll(query) for name, query in _FILTERS.items()},
            "figures": _timed(browser.figures, repeats),
            "csv_rows": rows,
            "csv_rows_per_second": round(rows / seconds),
            "web_process_peak_mb": max(peak_megabytes(pid)),
        }


class _Browser:
    """A signed-in user on one persistent connection."""

    def __init__(self, port: int, engine: Engine, company_id: int) -> None:
        with engine.begin() as connection:
            user = add_user(connection, "bench@example.org", password_hash=None)
            set_member(connection, company_id, user.id, "viewer", actor="bench", now=utc_now())
            token = open_session(connection, user.id, now=utc_now())
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookie = {"Cookie": f"revmap-session={token}"}
        self._table = f"/companies/{company_id}/revenue-mapping"

    def page(self, query: str) -> str:
        return self._read(f"{self._table}?{query}")

    def scroll(self, query: str) -> dict[str, float]:
        page = self.page(query)
        times = []
        for _ in range(_SCROLLED):
            found = re.search(r'data-following="([^"]+)"', page)
            assert found, "there is nothing to scroll to"
            started = time.perf_counter()
            page = self._read(html.unescape(found[1]))
            times.append(time.perf_counter() - started)
        return _summary(times)

    def figures(self) -> None:
        found = re.search(r'hx-get="([^"]+/figures[^"]*)"', self.page(""))
        assert found
        self._read(html.unescape(found[1]))

    def export(self) -> tuple[int, float]:
        found = re.search(r'href="(/v1/[^"]+\.csv[^"]*)"', self.page(""))
        assert found
        started, rows = time.perf_counter(), -1
        answer = self._ask(html.unescape(found[1]))
        while chunk := answer.read(_CHUNK_BYTES):
            rows += chunk.count(b"\n")
        return rows, time.perf_counter() - started

    def _read(self, path: str) -> str:
        return self._ask(path).read().decode()

    def _ask(self, path: str) -> HTTPResponse:
        self._connection.request("GET", path, headers=self._cookie)
        answer = self._connection.getresponse()
        assert answer.status == 200, (answer.status, path)  # noqa: PLR2004 - HTTP's own number
        return answer


def _timed(work: Callable[[], object], repeats: int) -> dict[str, float]:
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return _summary(times)


def _summary(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(round(one * 1000, 1) for one in seconds)
    return {"p50_ms": ordered[len(ordered) // 2], "max_ms": ordered[-1]}
