"""Measure how many signed webhooks a second become durable, and how many stand in the table, beside floors.

The floor of the table writes the event and a row of a table in the transaction that it acknowledges.
"""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Engine

from bench.stage import servers
from bench.visibility import Watch
from bench.webhooks import Numbers, await_caught_up, prepare, send_all, signed_requests
from runtime.database import open_engine
from sandbox.load import Outcome, send_at_constant_rate
from sandbox.processes import peak_megabytes, process, processor_seconds, web

_WARM_UP = 400
_POLL_SECONDS = 0.005
_LONG_TURN = 3  # what is still to be folded after the last answer must not be a large part of a turn


def run(*, requests: int, repeats: int, seconds: int, per_second: int) -> dict[str, object]:
    """Return the results. Floor and product take turns; rates are medians of the turns."""
    with servers() as environment:
        engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=2, statement_timeout_ms=0)
        prepare(engine)
        numbers = Numbers()
        throughput = {
            f"{connections}_connections": _throughput(environment, numbers, requests, repeats, connections)
            for connections in (16, 64)
        }
        in_table = {
            f"{connections}_connections": _in_table(environment, engine, numbers, requests, repeats, connections)
            for connections in (16, 64)
        }
        steady = _steady(environment, engine, numbers, seconds, per_second)
        engine.dispose()
    return {
        "benchmark": "ingest",
        "requests": requests,
        "repeats": repeats,
        "throughput": throughput,
        "in_table": in_table,
        "steady": steady,
    }


def _throughput(
    environment: Mapping[str, str], numbers: Numbers, requests: int, repeats: int, connections: int
) -> dict[str, object]:
    rates: dict[str, list[float]] = {"floor": [], "product": []}
    # Both run all the time and take turns, so that other load on the machine affects both alike.
    with web("bench.floor_app:app", environment) as floor_web, web("wsgi:app", environment) as product_web:
        for _ in range(repeats + 1):
            for name, (port, _pid) in (("floor", floor_web), ("product", product_web)):
                outcome = send_all(port, signed_requests(numbers.take(requests)), connections)
                rates[name].append(outcome.per_second)
        megabytes = peak_megabytes(product_web[1])
    for one in rates.values():
        del one[0]  # the first turn warmed them up
    floor, product = statistics.median(rates["floor"]), statistics.median(rates["product"])
    return {
        "floor_per_second": round(floor),
        "product_per_second": round(product),
        "ratio": round(product / floor, 2),
        "floor_runs": [round(rate) for rate in rates["floor"]],
        "product_runs": [round(rate) for rate in rates["product"]],
        "web_process_peak_mb": max(megabytes),
    }


def _in_table(
    environment: Mapping[str, str], engine: Engine, numbers: Numbers, requests: int, repeats: int, connections: int
) -> dict[str, object]:
    turns = _Turns()
    with (
        web("bench.floor_app:app", {**environment, "FLOOR_ROWS": "1"}) as (floor, _),
        web("wsgi:app", environment) as (product, _),
        process(["-m", "workers", "work"], environment) as worker,
        process(["-m", "workers", "clock"], environment),
    ):
        for _ in range(repeats + 1):
            many = _LONG_TURN * requests
            to_floor, to_product = signed_requests(numbers.take(many)), signed_requests(numbers.take(many))
            with turns.measured("floor", many):
                send_all(floor, to_floor, connections)
            with turns.measured("table", many):
                acknowledged = send_all(product, to_product, connections)
                await_caught_up(engine, every_seconds=_POLL_SECONDS)
            turns.rates["acknowledged"].append(acknowledged.per_second)
        megabytes = peak_megabytes(worker.pid)
    rates = {name: statistics.median(values[1:]) for name, values in turns.rates.items()}
    return {
        "floor_per_second": round(rates["floor"]),
        "acknowledged_per_second": round(rates["acknowledged"]),
        "in_table_per_second": round(rates["table"]),
        "ratio": round(rates["table"] / rates["floor"], 2),
        "floor_processor_us": round(statistics.median(turns.processor_us["floor"][1:])),
        "processor_us": round(statistics.median(turns.processor_us["table"][1:])),
        "floor_runs": [round(rate) for rate in turns.rates["floor"][1:]],
        "in_table_runs": [round(rate) for rate in turns.rates["table"][1:]],
        "worker_process_peak_mb": max(megabytes),
    }


class _Turns:
    """Rates and processor time per event of the turns of each; the first turn warms them up and does not count."""

    def __init__(self) -> None:
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.processor_us: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def measured(self, name: str, events: int) -> Iterator[None]:
        """Measure a turn, by the clock and by the processor time of all processes but the one that sends."""
        started, used = time.monotonic(), processor_seconds(os.getpid())
        yield
        self.rates[name].append(events / (time.monotonic() - started))
        self.processor_us[name].append((processor_seconds(os.getpid()) - used) / events * 1_000_000)


def _steady(
    environment: Mapping[str, str], engine: Engine, numbers: Numbers, seconds: int, per_second: int
) -> dict[str, object]:
    with (
        process(["-m", "workers", "work"], environment) as worker,
        process(["-m", "workers", "clock"], environment),
        web("wsgi:app", environment) as (port, pid),
    ):
        await_caught_up(engine)
        send_at_constant_rate(port, signed_requests(numbers.take(_WARM_UP)), per_second=per_second)
        await_caught_up(engine)
        watch = Watch(engine)
        outcome = send_at_constant_rate(
            port, signed_requests(numbers.take(per_second * seconds)), per_second=per_second
        )
        await_caught_up(engine)
        delays = watch.stop()
        return {
            "per_second": per_second,
            "seconds": seconds,
            "statuses": outcome.statuses,
            **_latencies("ack", outcome),
            **delays.as_json(),
            "web_process_peak_mb": max(peak_megabytes(pid)),
            "worker_process_peak_mb": max(peak_megabytes(worker.pid)),
        }


def _latencies(name: str, outcome: Outcome) -> dict[str, float]:
    return {f"{name}_p{percent}_ms": outcome.percentile_ms(percent) for percent in (50, 99, 100)}
