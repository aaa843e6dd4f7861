"""Measure webhooks at a constant rate and reads during rebuilds, and check what the readers see."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from http.client import HTTPConnection
from threading import Event
from typing import Any

from bench.histories import fill_logs
from bench.payloads import invoice_event, signed_request
from bench.rebuild import settle
from bench.stage import WEBHOOK_SECRET, servers
from migrations.run import upgrade
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from runtime.database import open_engine
from sandbox.load import Outcome, send_at_constant_rate
from sandbox.processes import process, web
from tenants.api_keys import create_api_key

_FIRST_NEW_INVOICE = 900_000_000
_READERS = 2


def run(*, events: int, companies: int, seconds: int, per_second: int) -> dict[str, object]:
    """Return the results of the same load twice: without a rebuild, and with one rebuild after another."""
    with servers() as environment, ExitStack() as running:
        engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=2, statement_timeout_ms=0)
        running.callback(engine.dispose)
        upgrade(engine)
        sizes = fill_logs(engine, events=events, companies=companies)
        begin_lacking_builds(engine)
        while advance(engine):
            pass
        settle(engine)
        with engine.begin() as connection:
            keys = {company_id: create_api_key(connection, company_id, "viewer").key for company_id in sizes}
        for role in ("work", "clock"):
            running.enter_context(process(["-m", "workers", role], environment))
        port, _ = running.enter_context(web("wsgi:app", environment))
        stage = _Stage(port, keys, seconds, per_second)
        quiet = stage.measure(lambda _is_over: 0)
        rebuilding = stage.measure(lambda is_over: _rebuild_until(is_over, environment))
    return {"benchmark": "disturbance", "events": events, "companies": companies, "quiet": quiet, "rebuild": rebuilding}


def _rebuild_until(is_over: Event, environment: Mapping[str, str]) -> int:
    rebuilds = 0
    while not is_over.is_set():
        argv = [sys.executable, "-m", "flask", "--app", "wsgi", "projections", "rebuild", "--workers", "2"]
        subprocess.run(argv, env=environment, check=True, capture_output=True)
        rebuilds += 1
    return rebuilds


class _Stage:
    """A load of webhooks and reads at the same time, while something else runs."""

    def __init__(self, port: int, keys: Mapping[int, str], seconds: int, per_second: int) -> None:
        self._port, self._keys, self._seconds, self._per_second = port, keys, seconds, per_second
        self._next = _FIRST_NEW_INVOICE

    def measure(self, beside: Callable[[Event], int]) -> dict[str, object]:
        is_over = Event()
        with ThreadPoolExecutor(_READERS + 1) as pool:
            done = pool.submit(beside, is_over)
            readers = [_Reader(self._port, self._keys, seed) for seed in range(_READERS)]
            reading = [pool.submit(reader.read_until, is_over) for reader in readers]
            outcome = self._send()
            is_over.set()
            for future in reading:
                future.result()
            rebuilds = done.result()
        times = sorted(one for reader in readers for one in reader.seconds)
        return {
            "rebuilds": rebuilds,
            "webhooks": outcome.statuses,
            **{f"ack_p{percent}_ms": outcome.percentile_ms(percent) for percent in (50, 99, 100)},
            "reads": len(times),
            "read_p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
            "faults": dict(sum((reader.faults for reader in readers), Counter())),
        }

    def _send(self) -> Outcome:
        at, count = int(time.time()), self._seconds * self._per_second
        numbers = range(self._next, self._next + count)
        self._next += count
        bodies = (
            invoice_event(number, account_id=f"acct_history{number % len(self._keys)}", created=at)
            for number in numbers
        )
        requests = [signed_request(body, secret=WEBHOOK_SECRET, at=at) for body in bodies]
        return send_at_constant_rate(self._port, requests, per_second=self._per_second)


class _Reader:
    """A reader of tables that counts what no reader may ever see."""

    def __init__(self, port: int, keys: Mapping[int, str], seed: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._keys, self._random = keys, random.Random(seed)
        self._reached: dict[int, int] = {}
        self.seconds: list[float] = []
        self.faults: Counter[str] = Counter()

    def read_until(self, is_over: Event) -> None:
        while not is_over.wait(0.02):
            company_id = self._random.choice(list(self._keys))
            started = time.perf_counter()
            path = f"/v1/companies/{company_id}/revenue-lines?limit=500&include=totals"
            self._connection.request("GET", path, headers={"Authorization": f"Bearer {self._keys[company_id]}"})
            answer = self._connection.getresponse()
            body = answer.read()
            self.seconds.append(time.perf_counter() - started)
            if answer.status == HTTPStatus.OK:
                self._examine(company_id, json.loads(body))
            else:
                self.faults[f"status {answer.status}"] += 1

    def _examine(self, company_id: int, page: dict[str, Any]) -> None:
        if page["position"] < self._reached.get(company_id, 0):
            self.faults["went back"] += 1
        self._reached[company_id] = page["position"]
        whole = not page["has_more"]
        if whole and sum(row["amount"] for row in page["data"]) != sum(total["amount"] for total in page["totals"]):
            self.faults["mixed"] += 1
