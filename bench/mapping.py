"""Measure mapping the lines of a large table by rules: previews, publications, the unmapped queue, lists by stream."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from sqlalchemy import Engine, text

from bench.queries import large_table, timed
from bench.stage import servers
from bench.visibility import Watch
from bench.webhooks import Numbers, add_companies, await_caught_up, send_all, signed_requests
from mapping.evaluation import evaluated
from mapping.lines_at import book_at
from mapping.recorded import RULES, STREAMS, Desk
from projections.engine.catch_up import advance
from projections.mapping.decisions.payloads import RulesPublished, StreamCreated
from projections.mapping.reading_rules import read_rules
from projections.reads.mapping.unmapped import list_unmapped
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import list_lines
from runtime.clock import utc_now
from sandbox.load import Outcome, send_at_constant_rate
from sandbox.processes import process, web

_RULES = 50
_PAGE = 50
_PER_SECOND = 100
_TURN_SECONDS = 5
_PREVIEWS = 3
# One customer in ten, whose lines are a tenth of all.
_TENTH = {"field": "customer_id", "op": "ends_with", "value": "7"}

Json = dict[str, Any]


def run(*, lines: int, repeats: int) -> dict[str, object]:
    """Create a company with this many lines, and return the results."""
    with servers() as environment, large_table(environment, lines) as (engine, company_id):
        _decide(engine, company_id, STREAMS, [StreamCreated(f"str_{n}", f"Stream {n}") for n in range(_RULES)])
        rules = [_rule(number) for number in range(_RULES)]
        changed = [_rule_of("rule_tenth", _TENTH, "str_0"), *rules]
        return {
            "benchmark": "mapping",
            "lines": lines,
            "unmapped_queue_of_all": _unmapped(engine, company_id, repeats),
            **_published(engine, company_id, "of_all_lines", 1, rules),
            **_published(engine, company_id, "of_a_tenth", 2, changed),
            "list_by_stream": _list_by_stream(engine, company_id, repeats),
            **_published(engine, company_id, "that_leave_a_tenth_unmapped", 3, [*rules[:-1], _but_a_tenth(rules[-1])]),
            "unmapped_queue_of_a_tenth": _unmapped(engine, company_id, repeats),
            "webhooks_of_others_while_all_are_published": _beside(environment, engine, company_id, rules[::-1]),
        }


def _published(engine: Engine, company_id: int, name: str, version: int, rules: list[Json]) -> dict[str, object]:
    """Preview rules, three times, and publish them.

    What reads rows that were just written does PostgreSQL's work of looking up whether they were committed, once.
    """
    previews = [_preview(engine, company_id, rules) for _ in range(_PREVIEWS)]
    previewed = time.perf_counter()
    _decide(engine, company_id, RULES, [RulesPublished(version, list(rules))])
    published = time.perf_counter()
    return {
        f"lines_changed_by_rules_{name}": previews[0][0]["lines"],
        f"preview_of_rules_{name}_seconds": round(median(seconds for _, seconds in previews), 2),
        f"first_preview_of_rules_{name}_seconds": round(previews[0][1], 2),
        f"publish_of_rules_{name}_seconds": round(published - previewed, 2),
    }


def _preview(engine: Engine, company_id: int, rules: list[Json]) -> tuple[Json, float]:
    started = time.perf_counter()
    with snapshot_of(engine, company_id) as snapshot:
        book = book_at(snapshot)
        found = evaluated(snapshot, book, read_rules(rules, str), livemode=True, progress=lambda _done: None)
    return found, time.perf_counter() - started


def _unmapped(engine: Engine, company_id: int, repeats: int) -> dict[str, float]:
    def read() -> object:
        with snapshot_of(engine, company_id) as snapshot:
            return list_unmapped(snapshot, livemode=True, limit=_PAGE)

    return timed([read], repeats)


def _list_by_stream(engine: Engine, company_id: int, repeats: int) -> dict[str, float]:
    def reader(stream_id: str) -> Callable[[], object]:
        def read() -> object:
            with snapshot_of(engine, company_id) as snapshot:
                line_filter = LineFilter(livemode=True, stream_id=(stream_id,))
                return list_lines(snapshot, line_filter, sort="-date", limit=_PAGE + 1, after=None)

        return read

    # Few lines, a tenth, and most of them.
    return timed([reader(f"str_{number}") for number in (1, 0, _RULES - 1)], repeats)


def _beside(environment: Mapping[str, str], engine: Engine, company_id: int, rules: list[Json]) -> dict[str, object]:
    """Publish rules that map every line elsewhere while webhooks of others arrive; the workers fold both."""
    add_companies(engine)
    numbers, latencies = Numbers(), Outcome()
    with (
        process(["-m", "workers", "work"], environment),
        process(["-m", "workers", "clock"], environment),
        web("wsgi:app", environment) as (port, _),
    ):
        send_all(port, signed_requests(numbers.take(_PER_SECOND)), connections=16)
        await_caught_up(engine)
        watch, started = Watch(engine, but_of=company_id), time.monotonic()
        _record(engine, company_id, RULES, [RulesPublished(4, list(rules))])
        while not latencies.latencies or _is_behind(engine, company_id):
            requests = signed_requests(numbers.take(_TURN_SECONDS * _PER_SECOND))
            latencies.latencies += send_at_constant_rate(port, requests, per_second=_PER_SECOND).latencies
        published = time.monotonic()
        await_caught_up(engine)
        delays = watch.stop()
    return {
        "webhooks_per_second": _PER_SECOND,
        "published_within_seconds": round(published - started),
        **{f"ack_p{percent}_ms": latencies.percentile_ms(percent) for percent in (50, 99, 100)},
        **delays.as_json(),
    }


def _is_behind(engine: Engine, company_id: int) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(_BEHIND, {"company_id": company_id}).scalar())


_BEHIND = text("SELECT behind_since IS NOT NULL FROM company_head WHERE company_id = :company_id")


def _decide(engine: Engine, company_id: int, about: str, facts: list[Any]) -> None:
    """Record decisions, and fold them."""
    _record(engine, company_id, about, facts)
    while advance(engine):
        pass


def _record(engine: Engine, company_id: int, about: str, facts: list[Any]) -> None:
    with engine.begin() as connection:
        Desk(connection, company_id, "bench", utc_now()).record(about, facts)


def _rule(number: int) -> Json:
    # The last one matches every line; the others match one customer in a hundred, or none.
    condition = {"field": "customer_id", "op": "ends_with" if number % 2 else "is", "value": f"{number:02}"}
    if number == _RULES - 1:
        condition = {"field": "currency", "op": "is_present"}
    return _rule_of(f"rule_{number}", condition, f"str_{number}")


def _rule_of(rule_id: str, condition: Json, stream_id: str) -> Json:
    outcome = {"shares": [{"bp": 10_000, "stream_id": stream_id}]}
    return {"id": rule_id, "name": rule_id, "conditions": [condition], "outcome": outcome}


def _but_a_tenth(rule: Json) -> Json:
    others = [_TENTH | {"value": digit} for digit in "012345689"]
    return rule | {"match": "any", "conditions": others}
