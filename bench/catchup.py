"""Measure how many events a second one worker folds into live tables, beside only reading and decoding them."""

from functools import partial

from bench.histories import fill_logs
from bench.rebuild import read_and_decode, seconds, settle
from bench.stage import servers
from migrations.run import upgrade
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import advance
from runtime.database import open_engine


def run(*, events: int, companies: int) -> dict[str, object]:
    """Return the results of one turn each of the floor and the catch-up. The floor reads the logs first."""
    with servers() as environment:
        url = environment["DATABASE_URL"]
        engine = open_engine(url, name="bench", pool_size=2, statement_timeout_ms=0)
        upgrade(engine)
        sizes = fill_logs(engine, events=events, companies=companies)
        settle(engine)
        total = sum(sizes.values())
        floor = total / seconds(partial(read_and_decode, url, list(sizes), 1))
        begin_lacking_builds(engine)
        batches: list[int] = []

        def catch_up() -> None:
            while advanced := advance(engine):
                batches.append(advanced.event_count)

        rate = total / seconds(catch_up)
        engine.dispose()
    return {
        "benchmark": "catchup",
        "events": total,
        "companies": companies,
        "batches": len(batches),
        "floor_per_second": round(floor),
        "catch_up_per_second": round(rate),
        "ratio": round(rate / floor, 2),
    }
