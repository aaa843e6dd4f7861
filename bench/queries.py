"""Measure reads of a large table: pages at any depth and in any order, and totals, now and as of past positions."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine

from app.api.exports.schemas import COLUMNS
from bench.histories import fill_logs
from bench.rebuild import settle
from bench.stage import servers
from migrations.run import upgrade
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from projections.reads.export import every_line
from projections.reads.facets import suggest
from projections.reads.snapshots import Snapshot, snapshot_of
from projections.reads.table.as_of import now
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import list_lines
from projections.reads.table.orders import SORTS, After, Sort, fields_of, in_order
from projections.reads.table.totals import list_months, total_lines
from runtime.database import open_engine

_PAGE = 50
_DEPTHS = (0.0, 0.25, 0.5, 0.9, 0.999)
_MOMENTS = (0.01, 0.1, 0.5, 0.9, 0.999)


def run(*, lines: int, repeats: int) -> dict[str, object]:
    """Create a company with this many lines, and return the results."""
    with servers() as environment, large_table(environment, lines) as (engine, company_id):
        return {"benchmark": "queries", "lines": lines, **measure(engine, company_id, repeats=repeats)}


@contextmanager
def large_table(environment: Mapping[str, str], lines: int) -> Iterator[tuple[Engine, int]]:
    """Create a company with this many lines, and yield its database and its id."""
    engine = open_engine(environment["DATABASE_URL"], name="bench", pool_size=2, statement_timeout_ms=0)
    upgrade(engine)
    (company_id,) = fill_logs(engine, events=lines * 4 // 3, companies=1)
    begin_lacking_builds(engine)
    while advance(engine):
        pass
    settle(engine)
    yield engine, company_id
    engine.dispose()


def measure(engine: Engine, company_id: int, *, repeats: int) -> dict[str, object]:
    """Return medians and 99th percentiles in milliseconds of reads of a company's table, each in its own snapshot."""
    with snapshot_of(engine, company_id) as snapshot:
        line_count = sum(total.count for total in total_lines(snapshot, _all()))
        head, marks = snapshot.position, {sort: list(_marks(snapshot, sort, line_count)) for sort in SORTS}
        customer = list_lines(snapshot, _all(), sort="-date", limit=1, after=None)[0].customer_id
    filters = {
        "none": _all(),
        "customer": LineFilter(livemode=True, customer_id=(customer,)),
        "paid_recurring": LineFilter(livemode=True, invoice_status=("paid",), type=("recurring",)),
        "month": LineFilter(livemode=True, date_from=date(2024, 3, 1), date_to=date(2024, 4, 1)),
    }
    lists = {
        f"{name} {sort}": timed(
            [_reader(engine, company_id, None, line_filter, sort, after) for after in marks[sort]], repeats
        )
        for name, line_filter in filters.items()
        for sort in SORTS
    }
    moments = {
        f"{share:.1%} {sort}": timed(
            [_reader(engine, company_id, round(head * share), _all(), sort, None)], repeats * len(_DEPTHS)
        )
        for share in _MOMENTS
        for sort in SORTS
    }
    return {
        "lists": lists,
        "as_of": moments,
        "totals": {name: timed([_totals(engine, company_id, None, one)], repeats) for name, one in filters.items()},
        "totals_as_of": timed([_totals(engine, company_id, head // 2, _all())], repeats),
        "months": timed([_months(engine, company_id, None)], repeats),
        "months_as_of": timed([_months(engine, company_id, head // 2 + 1000)], repeats),
        "suggestions": {
            typed: timed([_suggestions(engine, company_id, typed)], repeats) for typed in ("c", "mer 77", "nobody")
        },
        "csv_rows_per_second": _csv_rate(engine, company_id),
    }


def _all() -> LineFilter:
    return LineFilter(livemode=True)


def _marks(snapshot: Snapshot, sort: Sort, line_count: int) -> Iterator[After | None]:
    # The values at these depths of the order, found without reading all pages before them.
    for depth in _DEPTHS:
        if depth == 0.0:
            yield None
            continue
        table = now()
        ordered = table.select(*map(table.column, fields_of(sort))).order_by(*in_order(table, sort))
        row = snapshot.connection.execute(ordered.offset(int(depth * line_count)).limit(1), snapshot.bound()).one()
        yield After(tuple(row), "", "")


def _reader(
    engine: Engine, company_id: int, as_of: int | None, line_filter: LineFilter, sort: Sort, after: After | None
) -> Callable[[], object]:
    def read() -> object:
        with snapshot_of(engine, company_id, as_of) as snapshot:
            return list_lines(snapshot, line_filter, sort=sort, limit=_PAGE + 1, after=after)

    return read


def _totals(engine: Engine, company_id: int, as_of: int | None, line_filter: LineFilter) -> Callable[[], object]:
    def read() -> object:
        with snapshot_of(engine, company_id, as_of) as snapshot:
            return total_lines(snapshot, line_filter)

    return read


def _suggestions(engine: Engine, company_id: int, typed: str) -> Callable[[], object]:
    def read() -> object:
        with snapshot_of(engine, company_id) as snapshot:
            return suggest(snapshot, "customer", typed, livemode=True, limit=10)

    return read


def _months(engine: Engine, company_id: int, as_of: int | None) -> Callable[[], object]:
    def read() -> object:
        with snapshot_of(engine, company_id, as_of) as snapshot:
            return list_months(snapshot, _all())

    return read


def timed(reads: list[Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median and the 99th percentile of all these reads in milliseconds."""
    reads[0]()
    times = sorted(_milliseconds(read) for _ in range(repeats) for read in reads)
    return {"p50_ms": times[len(times) // 2], "p99_ms": times[min(len(times) - 1, int(len(times) * 0.99))]}


def _milliseconds(read: Callable[[], object]) -> float:
    started = time.perf_counter()
    read()
    return round((time.perf_counter() - started) * 1000, 2)


def _csv_rate(engine: Engine, company_id: int) -> int:
    started, count = time.perf_counter(), 0
    with (
        snapshot_of(engine, company_id) as snapshot,
        every_line(snapshot, _all(), sort="-date", columns=COLUMNS, amounts="decimal") as batches,
    ):
        for batch in batches:
            count += len(batch)
    return round(count / (time.perf_counter() - started))
