"""Measure CSV and Excel exports of a large table through gunicorn, beside the floor: the same rows by COPY alone."""

import time
from collections.abc import Mapping
from http.client import HTTPConnection
from statistics import median

from sqlalchemy import Engine, text

from bench.queries import large_table
from bench.stage import servers
from runtime.database import driver_of
from sandbox.processes import peak_megabytes, web
from tenants.api_keys import create_api_key

_CHUNK_BYTES = 1 << 16
_SEVEN = "invoice_line_item_id,subscription_id,customer_name,customer_id,description,date,amount,currency"
_EXPORTS = {
    "csv": "csv",
    "csv_minor": "csv?amounts=minor",
    "csv_as_shown": f"csv?columns={_SEVEN}",
    "xlsx": "xlsx",
    "xlsx_as_shown": f"xlsx?columns={_SEVEN}",
}
# As PostgreSQL writes the whole rows, with nothing of ours.
_FLOOR = "COPY (SELECT * FROM revenue_line ORDER BY date DESC) TO STDOUT (FORMAT CSV)"


def run(*, lines: int, repeats: int) -> dict[str, object]:
    """Create a company with this many lines, and return the results."""
    with servers() as environment, large_table(environment, lines) as (engine, company_id):
        return {"benchmark": "exports", "lines": lines, **measure(environment, engine, company_id, repeats=repeats)}


def measure(environment: Mapping[str, str], engine: Engine, company_id: int, *, repeats: int) -> dict[str, object]:
    """Return medians of exports by turns, each from the request to the last byte, and the memory that they take."""
    with engine.begin() as connection:
        headers = {"Authorization": f"Bearer {create_api_key(connection, company_id, 'viewer').key}"}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in _EXPORTS}
    floors = []
    with web("wsgi:app", environment) as (port, pid):
        _exported(port, f"/v1/companies/{company_id}/revenue-lines?limit=1", headers)
        before = max(peak_megabytes(pid))
        for _ in range(repeats):
            floors.append(_floor_seconds(engine))
            for name, ending in _EXPORTS.items():
                path = f"/v1/companies/{company_id}/revenue-lines.{ending}"
                turns[name].append(_exported(port, path, headers))
        after = max(peak_megabytes(pid))
    results = {name: {key: median(one[key] for one in of) for key in of[0]} for name, of in turns.items()}
    return {"floor_seconds": median(floors), **results, "web_process_peak_mb": {"before": before, "after": after}}


def _exported(port: int, path: str, headers: Mapping[str, str]) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    started, size, first = time.perf_counter(), 0, 0.0
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    assert answer.status == 200, (answer.status, path)  # noqa: PLR2004 - HTTP's own number
    while chunk := answer.read(_CHUNK_BYTES):
        first = first or time.perf_counter() - started
        size += len(chunk)
    connection.close()
    seconds = time.perf_counter() - started
    return {"first_byte_ms": round(first * 1000, 1), "seconds": round(seconds, 2), "mb": round(size / 1e6, 1)}


def _floor_seconds(engine: Engine) -> float:
    started = time.perf_counter()
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        with driver_of(connection).cursor() as cursor, cursor.copy(_FLOOR) as copy:
            for _ in copy:
                pass
    return round(time.perf_counter() - started, 2)
