"""Liveness, readiness, and how far the projection is behind."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, make_url, update
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.queues import open_redis
from projections.facts.state_tables import projection_state
from projections.revenue.fold import NAME
from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from tests.support.clock import SetClock
from tests.support.company import catch_up, record_events
from tests.support.payloads import event, new_invoice
from tests.support.web.lines import Reader, json_of
from tests.support.web.tools import SCRAPER, app_with


def unreachable_engine() -> Engine:
    return open_engine("postgresql://nobody@127.0.0.1:1/none", name="web", pool_size=1)


def unreachable_redis() -> Redis:
    return open_redis("redis://127.0.0.1:1/0")


def get(tools: Tools, path: str) -> TestResponse:
    return app_with(tools).test_client().get(path)


def test_a_living_process_says_so_without_touching_anything(web_tools: Tools) -> None:
    alone = replace(web_tools, engine=unreachable_engine(), redis=unreachable_redis())

    answer = get(alone, "/healthz")

    assert (answer.status_code, json_of(answer)) == (200, {"status": "ok"})
    assert alone.engine.pool.status() == unreachable_engine().pool.status()


def test_a_process_with_everything_is_ready(client: FlaskClient, engine: Engine) -> None:
    Reader.of_new_company(client, engine).receive()

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert json_of(answer) == {
        "status": "ready",
        "database": "ok",
        "schema": "current",
        "redis": "ok",
        "projection": {
            "companies_behind": 0,
            "companies_halted": 0,
            "companies_failing": 0,
            "events_behind": 0,
            "lag_seconds": 0.0,
        },
    }


def test_without_redis_it_is_degraded_and_serves(web_tools: Tools) -> None:
    answer = get(replace(web_tools, redis=unreachable_redis()), "/readyz")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "degraded")
    assert json_of(answer)["redis"].startswith("unreachable")


def test_a_redis_that_may_forget_jobs_degrades_it(client: FlaskClient, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        answer = client.get("/readyz")
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "degraded")
    assert "noeviction" in json_of(answer)["redis"]


def test_without_the_database_it_is_not_ready(web_tools: Tools) -> None:
    answer = get(replace(web_tools, engine=unreachable_engine()), "/readyz")

    assert (answer.status_code, json_of(answer)) == (503, {"status": "unavailable", "database": "unreachable"})


def test_before_the_migration_it_is_not_ready_and_says_what_to_do(web_tools: Tools, postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE not_migrated")
        url = make_url(postgres.url).set(database="not_migrated").render_as_string(hide_password=False)
        empty = open_engine(url, name="web", pool_size=1)
        answer = get(replace(web_tools, engine=empty), "/readyz")
        empty.dispose()
        connection.execute("DROP DATABASE not_migrated")

    assert (answer.status_code, json_of(answer)["status"]) == (503, "unavailable")
    assert "flask db upgrade" in json_of(answer)["schema"]


def test_the_lag_counts_what_is_recorded_and_not_folded(client: FlaskClient, engine: Engine, clock: SetClock) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.receive()
    record_events(engine, event(new_invoice("in_1")), event(new_invoice("in_2")))
    with engine.connect() as connection:
        recorded_at = connection.exec_driver_sql("SELECT recorded_at FROM event WHERE position = 2").scalar_one()
    clock.now = recorded_at + timedelta(seconds=90)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert json_of(answer)["status"] == "ready"
    assert json_of(answer)["projection"] == {
        "companies_behind": 1,
        "companies_halted": 0,
        "companies_failing": 0,
        "events_behind": 2,
        "lag_seconds": 90.0,
    }


def test_a_company_that_nobody_has_folded_yet_counts_as_behind(client: FlaskClient, engine: Engine) -> None:
    Reader.of_new_company(client, engine)

    projection = json_of(client.get("/readyz"))["projection"]

    assert (projection["companies_behind"], projection["events_behind"]) == (1, 1)


def test_a_company_whose_next_event_fails_degrades_it_and_is_counted(client: FlaskClient, engine: Engine) -> None:
    Reader.of_new_company(client, engine).receive()
    record_events(engine, event(new_invoice("in_1")))
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE revenue_line ADD CONSTRAINT refused CHECK (invoice_id <> 'in_1')")
    catch_up(engine)

    ready, metrics = client.get("/readyz"), client.get("/metrics", headers=SCRAPER).text

    assert (ready.status_code, json_of(ready)["status"]) == (200, "degraded")
    assert (json_of(ready)["projection"]["companies_failing"], json_of(ready)["projection"]["companies_halted"]) == (
        1,
        0,
    )
    assert 'revmap_projection_companies_failing{projection="revenue_lines"} 1.0' in metrics


def test_a_halted_table_degrades_readiness_and_is_shown_to_its_readers(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.receive()
    record_events(engine, event(new_invoice("in_1")))
    tag = reader.get().headers["ETag"]
    with engine.begin() as connection:
        connection.execute(
            update(projection_state).where(projection_state.c.projection == NAME).values(status="halted")
        )

    answer = client.get("/readyz")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "degraded")
    assert json_of(answer)["projection"]["companies_halted"] == 1
    assert reader.page()["projection_status"] == "halted"
    assert reader.get(headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_operations_need_no_key_and_answer_to_get_alone(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    for method in ("OPTIONS", "POST"):
        refused = client.open(path, method=method)
        assert (refused.status_code, set(refused.allow)) == (405, {"GET", "HEAD"})
