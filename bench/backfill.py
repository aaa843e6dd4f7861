"""Measure the first sync of a large account, and compare it with the time that Stripe's rate limits require."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event

from redis import Redis
from sqlalchemy import Engine, Row, text

from backlog.jobs import SYNC
from backlog.queues import open_redis, wake
from backlog.syncs.requests import request_sync
from bench.stage import servers
from events.connection.accounts import Account, authorize
from migrations.run import upgrade
from runtime.clock import utc_now
from runtime.database import open_engine
from runtime.processes import dying_with_parent
from sandbox.processes import peak_megabytes, process
from tenants.companies import add_company

_ENDPOINT_PER_SECOND = 25
_ACCOUNT_PER_SECOND = 100
_POLL_SECONDS = 0.2
_QUEUES = 3

_RUN = text("SELECT *, extract(epoch FROM finished_at - started_at)::float AS seconds FROM sync_run WHERE id = :id")
_ROWS = text("SELECT count(*) FROM revenue_line")


def run(*, invoices: int, latency_ms: int, syncs: int) -> dict[str, object]:
    """Return the results of the first sync, and of those after it, which find nothing new."""
    with servers() as environment, _stripe(invoices, latency_ms) as (url, account_id, key):
        settings = {**environment, "STRIPE_API_BASE": url, "STRIPE_SECRET_KEY": key}
        engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=2, statement_timeout_ms=0)
        redis = open_redis(environment["REDIS_URL"])
        upgrade(engine)
        with engine.begin() as connection:
            company_id = add_company(connection, "Large Company").id
            authorize(connection, company_id, Account(account_id, livemode=True), now=utc_now(), actor="bench")
        clock = ["-m", "workers", "clock"]
        with process(["-m", "workers", "work"], settings) as workers, process(clock, settings):
            _await_workers(redis)
            figures = [_measured(engine, redis, company_id, url, workers.pid) for _ in range(syncs)]
        redis.close()
        engine.dispose()
    return {"benchmark": "backfill", "invoices": invoices, "latency_ms": latency_ms, "syncs": figures}


@contextmanager
def _stripe(invoices: int, latency_ms: int) -> Iterator[tuple[str, str, str]]:
    """Run a simulated Stripe, and yield its URL, its account id and the platform's key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [
        "-m",
        "bench.bulk_stripe",
        "--port",
        str(port),
        "--invoices",
        str(invoices),
        "--latency-ms",
        str(latency_ms),
    ]
    with subprocess.Popen(dying_with_parent([sys.executable, *argv]), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        account_id, key = running.stdout.readline().split()
        try:
            yield f"http://127.0.0.1:{port}", account_id, key
        finally:
            running.terminate()


def _measured(engine: Engine, redis: Redis, company_id: int, url: str, workers_pid: int) -> dict[str, object]:
    _ask(url, "DELETE")
    started = time.monotonic()
    with engine.begin() as connection:
        run_id = request_sync(connection, company_id, trigger="manual", actor="bench", now=utc_now()).id
    wake(redis, SYNC)
    ended = _await_end(engine, run_id)
    seconds = time.monotonic() - started
    requests: Mapping[str, int] = _ask(url, "GET")
    bound = max(
        [sum(requests.values()) / _ACCOUNT_PER_SECOND, *(n / _ENDPOINT_PER_SECOND for n in _by_endpoint(requests))]
    )
    with engine.connect() as connection:
        rows = connection.execute(_ROWS).scalar_one()
    return {
        "status": ended.status,
        "seconds": round(seconds, 2),
        "bound_seconds": round(bound, 2),
        "of_bound": round(seconds / bound, 2),
        "rows": rows,
        "rows_per_second": round(rows / seconds),
        "requests": requests,
        "rate_limited": ended.rate_limited,
        "invoices_new": ended.invoices_new,
        "invoices_changed": ended.invoices_changed,
        "peak_megabytes": peak_megabytes(workers_pid),
    }


def _await_workers(redis: Redis) -> None:
    """Wait until workers listen on all queues, because starting processes is not part of a sync."""
    pause = Event()
    while redis.scard("rq:workers") < _QUEUES:
        pause.wait(_POLL_SECONDS)


def _by_endpoint(requests: Mapping[str, int]) -> list[int]:
    """Return the number of requests per endpoint, adding up those that differ only in an id."""
    counts: dict[str, int] = {}
    for operation, count in requests.items():
        method, path = operation.split(" ", 1)
        parts = path.strip("/").split("/")
        name = " ".join([method, parts[1], "one" if parts[2:] else "list", *parts[3:]])
        counts[name] = counts.get(name, 0) + count
    return list(counts.values())


def _await_end(engine: Engine, run_id: int) -> Row[tuple[object, ...]]:
    pause = Event()
    reported = 0
    while True:
        with engine.connect() as connection:
            row = connection.execute(_RUN, {"id": run_id}).one()
        if row.finished_at is not None:
            return row
        if row.invoices_listed >= reported + 5000:
            reported = row.invoices_listed
            print(f"{row.phase}: {reported} invoices", file=sys.stderr)
        pause.wait(_POLL_SECONDS)


def _ask(url: str, method: str) -> dict[str, int]:
    request = urllib.request.Request(f"{url}/_sandbox/requests", method=method)  # noqa: S310 - our own http address
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return json.load(answer).get("answer") or {}
