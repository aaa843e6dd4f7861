"""Metrics for operators: requests, webhooks, backlogs and syncs, never about a single company."""

from dataclasses import replace
from datetime import timedelta

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.wiring.tools import Tools
from backlog.queues import open_redis
from backlog.syncs.requests import request_sync
from runtime.database import open_engine
from tests.support.clock import NOON, SetClock
from tests.support.company import record_events
from tests.support.payloads import event, new_invoice
from tests.support.syncs.run_states import finish_run, start_run
from tests.support.web.lines import Reader
from tests.support.web.tools import METRICS_TOKEN, SCRAPER, app_with
from workers.syncs.changes import count

Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


def metrics_of(answer: TestResponse) -> Metrics:
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def metric(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_requests_are_counted_by_route_and_never_by_what_was_asked_for(client: FlaskClient) -> None:
    answered = metric("revmap_request_seconds_count", method="GET", route="/healthz", status="200")
    before = metrics_of(client.get("/metrics", headers=SCRAPER)).get(answered, 0)

    client.get("/healthz")
    client.get("/healthz?secret=CANARY")
    client.open("/CANARY", method="CANARY")
    answer = client.get("/metrics", headers=SCRAPER)

    assert metrics_of(answer)[answered] == before + 2
    assert "CANARY" not in answer.text


def test_refused_webhooks_are_counted_by_reason(client: FlaskClient) -> None:
    def refused() -> float:
        metrics = metrics_of(client.get("/metrics", headers=SCRAPER))
        return sum(value for (name, _), value in metrics.items() if name == "revmap_webhooks_refused_total")

    before = refused()
    client.post("/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})

    assert refused() == before + 1


def test_backlogs_are_reported_as_sums_over_all_companies(client: FlaskClient, engine: Engine, clock: SetClock) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.receive()
    record_events(engine, event(new_invoice("in_1")), event(new_invoice("in_2")))
    record_events(engine, event(new_invoice("in_3"), account="acct_none"))
    with engine.begin() as connection:
        recorded_at = connection.exec_driver_sql("SELECT recorded_at FROM event WHERE position = 2").scalar_one()
        request_sync(connection, reader.company_id, trigger="manual", actor="tests", now=NOON)
    clock.now = recorded_at + timedelta(seconds=90)

    metrics = metrics_of(client.get("/metrics", headers=SCRAPER))

    assert metrics[metric("revmap_database_up")] == 1
    assert metrics[metric("revmap_redis_up")] == 1
    assert metrics[metric("revmap_parked_events")] == 1
    assert metrics[metric("revmap_projection_companies_behind", projection="revenue_lines")] == 1
    assert metrics[metric("revmap_projection_events_behind", projection="revenue_lines")] == 3
    assert metrics[metric("revmap_projection_lag_seconds", projection="revenue_lines")] == 90
    assert metrics[metric("revmap_sync_runs", status="queued")] == 1
    assert metrics[metric("revmap_queue_jobs", queue="sync")] == 0


def test_an_endpoint_that_fell_silent_shows_in_what_syncs_repair(
    client: FlaskClient, engine: Engine, clock: SetClock
) -> None:
    def repaired() -> float:
        return metrics_of(client.get("/metrics", headers=SCRAPER))[metric("revmap_sync_repaired_invoices")]

    reader = Reader.of_new_company(client, engine)
    at_first = repaired()
    lease = start_run(engine, reader.company_id)
    with engine.begin() as connection:
        count(connection, reader.company_id, invoices_new=2, invoices_changed=1)
    finish_run(engine, lease)
    within_the_day = repaired()
    clock.advance(timedelta(days=1))

    assert (at_first, within_the_day, repaired()) == (0, 3, 0)


def test_metrics_are_answered_when_database_and_redis_are_away(web_tools: Tools) -> None:
    away = replace(
        web_tools,
        engine=open_engine("postgresql://nobody@127.0.0.1:1/none", name="web", pool_size=1),
        redis=open_redis("redis://127.0.0.1:1/0"),
    )

    metrics = metrics_of(app_with(away).test_client().get("/metrics", headers=SCRAPER))

    assert (metrics[metric("revmap_database_up")], metrics[metric("revmap_redis_up")]) == (0, 0)


def test_only_a_scraper_with_the_token_reads_the_metrics(client: FlaskClient, web_tools: Tools) -> None:
    wrong = ("", f"Bearer {METRICS_TOKEN}x", f"Basic {METRICS_TOKEN}", "Bearer", METRICS_TOKEN, "Bearer ü")

    refused = [client.get("/metrics", headers={"Authorization": one} if one else {}) for one in wrong]
    assert {(one.status_code, one.headers["WWW-Authenticate"]) for one in refused} == {(401, "Bearer")}
    assert not any("revmap_" in one.text for one in refused)
    assert client.get("/metrics", headers=SCRAPER).status_code == 200


def test_without_a_token_only_the_machine_itself_reads_the_metrics(web_tools: Tools) -> None:
    client = app_with(replace(web_tools, metrics_token=None)).test_client()
    near = [("127.0.0.1", "127.0.0.1:8000"), ("::1", "localhost")]
    far = [("192.0.2.1", "localhost"), ("127.0.0.1", "books.example"), ("127.0.0.1", "[")]

    answers = [
        client.get("/metrics", headers={"Host": host}, environ_base={"REMOTE_ADDR": address}).status_code
        for address, host in near + far
    ]

    assert answers[:2] == [200, 200]
    assert not {200} & set(answers[2:])
