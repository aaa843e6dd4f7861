"""Measure how many events a second a rebuild folds, beside the floor of only reading and decoding them."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
from sqlalchemy import Connection, Engine, text

from bench.histories import fill_logs
from bench.stage import servers
from events.log.payloads import decompressed
from events.stripe import shapes as wire
from migrations.run import upgrade
from projections.builds.builds import begin_builds
from projections.builds.parallel import build_with, process_pool
from projections.builds.rebuild import flip
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from runtime.database import driver_of, open_engine

_DECODER = msgspec.json.Decoder(wire.Envelope[wire.Invoice])


def run(*, events: int, companies: int, workers: int, repeats: int) -> dict[str, object]:
    """Return the results. Floor and product take turns; rates are medians of the turns."""
    with servers() as environment:
        url = environment["DATABASE_URL"]
        engine = open_engine(url, name="bench", pool_size=2, statement_timeout_ms=0)
        upgrade(engine)
        sizes = fill_logs(engine, events=events, companies=companies)
        first = seconds(partial(_catch_up, engine))
        settle(engine)
        rates: dict[str, list[float]] = {"floor": [], "rebuild": []}
        total = sum(sizes.values())
        biggest_first = sorted(sizes, key=lambda company_id: -sizes[company_id])
        for _ in range(repeats):
            rates["floor"].append(total / seconds(partial(read_and_decode, url, biggest_first, workers)))
            rates["rebuild"].append(total / seconds(partial(_rebuild, engine, workers)))
            settle(engine)
        lines = _count(engine, "revenue_line") // (repeats + 1)
        engine.dispose()
    floor, rebuild = statistics.median(rates["floor"]), statistics.median(rates["rebuild"])
    return {
        "benchmark": "rebuild",
        "events": total,
        "companies": companies,
        "largest_company_events": max(sizes.values()),
        "lines": lines,
        "workers": workers,
        "catch_up_per_second": round(total / first),
        "floor_per_second": round(floor),
        "rebuild_per_second": round(rebuild),
        "ratio": round(rebuild / floor, 2),
        "floor_runs": [round(rate) for rate in rates["floor"]],
        "rebuild_runs": [round(rate) for rate in rates["rebuild"]],
    }


def seconds(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _catch_up(engine: Engine) -> None:
    begin_lacking_builds(engine)
    while advance(engine):
        pass


def _rebuild(engine: Engine, workers: int) -> None:
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None)
    for claim in build_with(engine, begun, workers=workers):
        flip(engine, claim)


def settle(engine: Engine) -> None:
    """Run the server's background work now."""
    # The background work that one turn leaves must not slow down the next one.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def read_and_decode(url: str, companies: Iterable[int], workers: int) -> None:
    """Read and decode the events of the companies with this many processes, the least that folding needs."""
    with process_pool(workers) as pool:
        assert sum(pool.map(partial(_decoded, url), companies)) > 0


def _decoded(url: str, company_id: int) -> int:
    engine = open_engine(url, name="bench-floor", pool_size=1, statement_timeout_ms=0)
    count = 0
    with engine.connect() as connection:
        for source, payload_zstd in _copied(connection, company_id):
            if source == "stripe":
                _DECODER.decode(decompressed(payload_zstd))
                count += 1
    engine.dispose()
    return count


def _copied(connection: Connection, company_id: int) -> Iterator[tuple[str, bytes]]:
    columns = "position, type, entity, source, livemode, occurred_at, recorded_at, payload_zstd"
    order = f"SELECT {columns} FROM event WHERE company_id = {company_id:d} ORDER BY position"  # noqa: S608 - a number
    with (
        driver_of(connection).cursor() as cursor,
        cursor.copy(f"COPY ({order}) TO STDOUT (FORMAT BINARY)") as copy,
    ):
        copy.set_types(("int8", "text", "text", "text", "bool", "timestamptz", "timestamptz", "bytea"))
        for row in copy.rows():
            yield row[3], row[7]
