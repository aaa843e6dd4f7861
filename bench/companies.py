"""Measure what an event, a sweep and a scrape cost while there are ever more companies, most of them idle."""

import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Mapping
from itertools import count

from sqlalchemy import Engine, text

from backlog.fetches import claim_due
from backlog.jobs import PROJECTION
from backlog.queues import wake
from bench.payloads import invoice_event
from bench.rebuild import settle
from bench.stage import METRICS_TOKEN, servers
from bench.webhooks import await_caught_up
from events.intake.envelope import event_from_stripe
from events.log.append import append
from migrations.run import upgrade
from projections.engine.behind import audit_marks, begin_lacking_builds
from projections.engine.catch_up import advance
from projections.registry import PROJECTIONS
from runtime.database import open_engine
from sandbox.processes import peak_megabytes, peak_megabytes_of, process, web
from workers.clock_process import sweep
from workers.wiring.tools import current_tools

_LEVELS = (10, 100, 1_000, 10_000, 100_000)
_FOLDS = 400
_LOOKS = 30
_TOGETHER = 64

# Companies that connected, were synced and have been quiet since.
_FILL = (
    """
    INSERT INTO company (id, name) OVERRIDING SYSTEM VALUE
    SELECT n, 'Company ' || n FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO account_owner (account_id, livemode, company_id)
    SELECT 'acct_' || n, true, n FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO stripe_connection (company_id, status, account_id, livemode, method, authorized_at, is_scheduled)
    SELECT n, 'connected', 'acct_' || n, true, 'connect', now(), true
    FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO sync_schedule (company_id, next_sync_at)
    SELECT n, now() + interval '1 day' FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO sync_run (company_id, account_id, livemode, trigger, status, phase, requested_by, requested_at,
                          finished_at)
    SELECT n, 'acct_' || n, true, 'initial', 'succeeded', 'finished', 'bench', now(), now()
    FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO company_head (company_id, position, last_recorded_at)
    SELECT n, 1, now() FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO event (company_id, position, type, source, external_id, livemode, recorded_at, payload_zstd,
                       payload_sha256)
    SELECT n, 1, 'bench.began', 'revmap', 'began', true, now(), '\\x28b52ffd20021100007b7d', '\\x00'
    FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO projection_state (projection, build, company_id, version, position)
    SELECT :projection, 1, n, :version, 1 FROM generate_series(CAST(:first AS bigint), :last) n
    """,
    """
    INSERT INTO projection_active (projection, company_id, build)
    SELECT :projection, n, 1 FROM generate_series(CAST(:first AS bigint), :last) n
    """,
)


def run(*, companies: int) -> dict[str, object]:
    """Return the results at each number of companies up to `companies`. One in a hundred is busy."""
    with servers() as environment:
        engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=4, statement_timeout_ms=0)
        upgrade(engine)
        stage = _Stage(engine, environment)
        levels = [stage.measured(level) for level in _LEVELS if level <= companies]
        engine.dispose()
    return {"benchmark": "companies", "levels": levels}


class _Stage:
    """Companies that grow in number, and what is measured among them."""

    def __init__(self, engine: Engine, environment: Mapping[str, str]) -> None:
        self._engine = engine
        self._environment = environment
        os.environ.update(environment)
        self._tools = current_tools()
        self._companies = 0
        self._numbers = count()

    def measured(self, companies: int) -> dict[str, object]:
        """Return the figures with that many companies; all times are medians, in milliseconds."""
        self._fill(companies)
        busy = max(10, companies // 100)
        # Each busy company has one customer and one price, which it has seen before: the usual case.
        self._record(busy, busy)
        while advance(self._engine):
            pass
        return {
            "companies": companies,
            "fold_of_one_ms": self._fold_ms(busy, 1, _FOLDS),
            f"fold_of_{_TOGETHER}_ms": self._fold_ms(busy, min(busy, _TOGETHER), _LOOKS),
            "claim_nobody_ms": _median_ms(lambda: advance(self._engine)),
            "lacking_builds_ms": _median_ms(lambda: begin_lacking_builds(self._engine)),
            "claim_fetch_ms": _median_ms(lambda: claim_due(self._engine)),
            "audit_ms": _median_ms(lambda: audit_marks(self._engine, companies // 2)),
            "sweep_ms": _median_ms(lambda: sweep(self._tools, is_long=False)),
            "long_sweep_ms": _median_ms(lambda: sweep(self._tools, is_long=True)),
            **self._with_processes(busy),
        }

    def _fill(self, companies: int) -> None:
        parameters = {"first": self._companies + 1, "last": companies}
        versions = {"projection": PROJECTIONS[0].name, "version": PROJECTIONS[0].version}
        with self._engine.begin() as connection:
            for statement in _FILL:
                connection.execute(text(statement), parameters | versions)
        settle(self._engine)
        self._companies = companies

    def _record(self, busy: int, events: int) -> None:
        for number in (next(self._numbers) for _ in range(events)):
            company_id = 1 + number % busy * (self._companies // busy)
            body = invoice_event(number, account_id=f"acct_{company_id}", created=int(time.time()), customers=busy)
            with self._engine.begin() as connection:
                append(connection, company_id, [event_from_stripe(body)])

    def _fold_ms(self, busy: int, events: int, turns: int) -> float:
        times = []
        for _ in range(turns):
            self._record(busy, events)
            started = time.perf_counter()
            advanced = advance(self._engine)
            times.append(time.perf_counter() - started)
            assert advanced is not None
            assert advanced.event_count == events
        return round(statistics.median(times) * 1000, 2)

    def _with_processes(self, busy: int) -> dict[str, object]:
        with (
            process(["-m", "workers", "work"], self._environment) as worker,
            process(["-m", "workers", "clock"], self._environment) as clock,
            web("wsgi:app", self._environment) as (port, _),
        ):
            self._record(busy, busy)
            wake(self._tools.redis, PROJECTION)
            await_caught_up(self._engine)
            return {
                "metrics_ms": _median_ms(lambda: _get(port, "/metrics")),
                "readyz_ms": _median_ms(lambda: _get(port, "/readyz")),
                "worker_mb": max(peak_megabytes(worker.pid)),
                "clock_mb": peak_megabytes_of(clock.pid),
            }


def _median_ms(measured: Callable[[], object]) -> float:
    times = []
    for _ in range(_LOOKS):
        started = time.perf_counter()
        measured()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1000, 2)


def _get(port: int, path: str) -> bytes:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - a server of ours
        body: bytes = answer.read()
    return body
