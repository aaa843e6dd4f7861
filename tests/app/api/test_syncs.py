"""Starting, listing, reading and stopping syncs over HTTP; everybody else learns nothing."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from sqlalchemy import Engine, text

from app.wiring.tools import Tools
from backlog.jobs import SYNC
from backlog.queues import Waker, open_redis
from backlog.sync_vocabulary import PHASES, STATUSES, TRIGGERS
from backlog.tables import sync_run
from events.log.read import stream_events
from tenants.companies import add_company
from tests.support.company import new_key_headers
from tests.support.syncs.run_states import (
    BOOKS,
    DIFFERENCES,
    FAILED,
    PARTIALLY_SUCCEEDED,
    SUCCEEDED,
    finish_run,
    record_progress,
    request_run,
    run_of,
    start_run,
)
from tests.support.web.lines import json_of, without_request_id
from tests.support.web.syncs import Editor, new_editor
from tests.support.web.tools import app_with
from tests.support.web.webhooks import until
from workers.syncs.leases import CancelRequestedError, held

RUN_ROUTES = (("GET", ""), ("POST", "/cancel"), ("GET", "/events"))


@pytest.fixture
def editor(client: FlaskClient, engine: Engine) -> Editor:
    return new_editor(client, engine)


def count_runs(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM sync_run")).scalar_one())


def sync_facts(engine: Engine, company_id: int) -> list[str]:
    with engine.connect() as connection:
        return [event.type for event in stream_events(connection, company_id) if event.type.startswith("sync.")]


def test_asking_starts_a_sync_says_where_it_is_and_wakes_the_workers(editor: Editor, redis: Redis) -> None:
    answer = editor.post()

    run = json_of(answer)
    assert answer.status_code == 202
    assert answer.headers["Location"] == editor.path(f"/syncs/{run['id']}")
    assert json_of(editor.ask(answer.headers["Location"])) == run
    assert (run["object"], run["company_id"], run["status"]) == ("sync_run", editor.company_id, "queued")
    assert (run["trigger"], run["requested_at"], run["finished_at"]) == ("manual", "2026-03-01T12:00:00Z", None)
    assert run["requested_by"].startswith("api_key:")
    assert until(lambda: len(Queue(SYNC, connection=redis, serializer="json")) == 1)


def test_asking_while_a_sync_is_under_way_gives_that_one(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)

    answer = editor.post()

    assert (answer.status_code, json_of(answer)["id"], json_of(answer)["status"]) == (202, lease.run_id, "running")
    assert answer.headers["Location"].endswith(f"/syncs/{lease.run_id}")
    assert count_runs(editor.engine) == 1


def test_request_for_a_sync_under_way_does_not_wait_for_the_page_that_is_being_written(editor: Editor) -> None:
    run_id = start_run(editor.engine, editor.company_id).run_id

    with editor.engine.begin() as page:
        page.execute(text("UPDATE sync_run SET lines = lines + 1 WHERE id = :id"), {"id": run_id})
        answers = [editor.post(), editor.post(headers={"Idempotency-Key": "one"})]

    assert [(answer.status_code, json_of(answer)["id"]) for answer in answers] == [(202, run_id)] * 2


def test_the_same_key_gives_the_same_sync_even_when_it_is_over(editor: Editor) -> None:
    key = {"Idempotency-Key": "k" * 255}
    first = json_of(editor.post(headers=key))["id"]
    editor.post(f"/syncs/{first}/cancel")

    again, other = json_of(editor.post(headers=key)), json_of(editor.post(headers={"Idempotency-Key": "!~"}))

    assert (again["id"], again["status"]) == (first, "canceled")
    assert other["id"] != first
    assert sync_facts(editor.engine, editor.company_id) == ["sync.requested", "sync.finished", "sync.requested"]


def test_a_key_that_found_a_sync_under_way_stays_with_it(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)
    keys = [{"Idempotency-Key": key} for key in ("one", "two")]
    joined = [json_of(editor.post(headers=key))["id"] for key in keys]
    finish_run(editor.engine, lease)

    assert joined == [json_of(editor.post(headers=key))["id"] for key in keys] == [lease.run_id] * 2
    assert count_runs(editor.engine) == 1


def test_many_who_ask_at_once_under_one_key_start_one_sync(editor: Editor) -> None:
    key = {"Idempotency-Key": "monday"}
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: json_of(editor.post(headers=key))["id"], range(24)))

    assert len(ids) == count_runs(editor.engine) == 1


def test_a_key_of_another_company_means_nothing(editor: Editor) -> None:
    other = new_editor(editor.client, editor.engine, "acct_other")
    key = {"Idempotency-Key": "monday"}

    assert json_of(editor.post(headers=key))["id"] != json_of(other.post(headers=key))["id"]


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "tab\there", "\x7f", "\x00", "ké"])
def test_an_invalid_idempotency_key_is_refused_and_starts_nothing(editor: Editor, key: str) -> None:
    refused = editor.post(headers={"Idempotency-Key": key})

    assert (refused.status_code, json_of(refused)["code"]) == (422, "invalid_request")
    assert json_of(refused)["errors"][0]["pointer"] == "/headers/Idempotency-Key"
    assert count_runs(editor.engine) == 0


def test_the_body_is_empty_or_an_empty_object(editor: Editor) -> None:
    form = "application/x-www-form-urlencoded"
    taken: list[dict[str, Any]] = [{}, {"json": {}}, {"data": " {\n} "}, {"data": b"", "content_type": form}]
    refused: list[tuple[int, dict[str, Any]]] = [
        *((422, {"data": sent}) for sent in ('{"full": true}', "[]", "null", "{", "{}{}", "x")),
        (400, {"data": "a=1", "content_type": form}),
        (413, {"data": " " * 40_000}),
        (415, {"data": "{}", "headers": {"Content-Encoding": "gzip"}}),
    ]

    for status, sent in refused:
        assert editor.post(**sent).status_code == status, sent
    assert json_of(editor.post(data="null"))["code"] == "invalid_request"
    assert "32768 bytes" in json_of(editor.post(data=" " * 40_000))["detail"]
    assert count_runs(editor.engine) == 0
    assert [editor.post(**sent).status_code for sent in taken] == [202] * len(taken)


def test_a_company_without_an_account_is_told_to_connect_one(editor: Editor) -> None:
    with editor.engine.begin() as connection:
        company_id = add_company(connection, "Nothing Yet").id
    key = new_key_headers(editor.engine, company_id, "editor")

    refused = editor.client.post(f"/v1/companies/{company_id}/syncs", headers=key)

    assert (refused.status_code, json_of(refused)["code"]) == (409, "not_connected")
    assert "No account is connected" in json_of(refused)["detail"]
    assert json_of(editor.client.get(f"/v1/companies/{company_id}/syncs", headers=key))["data"] == []


def test_a_redis_that_does_not_answer_delays_nobody(web_tools: Tools, engine: Engine) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        open_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}") as r,
    ):
        waker = Waker(r, SYNC)
        editor = new_editor(app_with(replace(web_tools, redis=r, wake_sync=waker.ask)).test_client(), engine)
        started = time.monotonic()
        statuses = {editor.post().status_code for _ in range(5)}
        run_id = json_of(editor.post())["id"]
        statuses.add(editor.post(f"/syncs/{run_id}/cancel").status_code)
        seconds = time.monotonic() - started
        waker.close()

    assert statuses == {202, 200}
    assert seconds / 7 < 0.25  # half of the timeout of one call
    assert run_of(engine, editor.company_id, run_id).status == "canceled"


def test_viewers_read_and_start_nothing(editor: Editor) -> None:
    viewer = editor.as_viewer()
    run_id = start_run(editor.engine, editor.company_id).run_id

    for below in ("/syncs", f"/syncs/{run_id}/cancel"):
        refused = viewer.ask(viewer.path(below), "POST")
        assert (refused.status_code, json_of(refused)["code"]) == (403, "forbidden")
    assert viewer.get("/syncs").status_code == viewer.get(f"/syncs/{run_id}").status_code == 200
    assert not run_of(editor.engine, editor.company_id, run_id).is_cancel_requested


def test_pages_give_every_sync_once_newest_first(editor: Editor) -> None:
    ids = []
    for _ in range(7):
        lease = start_run(editor.engine, editor.company_id)
        finish_run(editor.engine, lease)
        ids.append(lease.run_id)

    for limit in (1, 3, 7, 500):
        walked: list[int] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            page = json_of(editor.get("/syncs", **query))
            walked += [run["id"] for run in page["data"]]
            assert (page["object"], page["has_more"]) == ("list", page["next_cursor"] is not None)
            if not page["has_more"]:
                break
            assert len(page["data"]) == limit
            query["cursor"] = page["next_cursor"]
        assert walked == ids[::-1]


def test_a_cursor_is_good_for_its_own_list_alone(editor: Editor) -> None:
    other = new_editor(editor.client, editor.engine, "acct_other")
    for of in (editor, other):
        for _ in range(2):
            finish_run(of.engine, start_run(of.engine, of.company_id))
    theirs = json_of(other.get("/syncs", limit=1))["next_cursor"]
    mine = json_of(editor.get("/syncs", limit=1))["next_cursor"]

    for cursor in (theirs, mine + "x", mine[:-1], "1", "null"):
        refused = editor.get("/syncs", cursor=cursor)
        assert (refused.status_code, json_of(refused)["code"]) == (400, "invalid_cursor")
    assert editor.get("/revenue-lines", cursor=mine).status_code == 400
    for query in ({"limit": 0}, {"limit": 501}, {"limit": "1e1"}, {"cursor": ""}, {"status": "failed"}):
        assert editor.get("/syncs", **query).status_code == 422


def test_a_sync_shows_its_whole_reconciliation_and_a_list_omits_the_books(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)
    finish_run(editor.engine, lease, PARTIALLY_SUCCEEDED)

    run, listed = json_of(editor.get(f"/syncs/{lease.run_id}")), json_of(editor.get("/syncs"))["data"][0]

    assert run["status"] == "partially_succeeded"
    assert run["reconciliation"] == {"matched": 4, "repaired": 0, "differences": DIFFERENCES, "books": BOOKS}
    assert listed == run | {"reconciliation": {"matched": 4, "repaired": 0, "differences": DIFFERENCES}}


def test_a_failed_sync_says_what_happened_and_what_to_do(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)
    finish_run(editor.engine, lease, FAILED)

    run = json_of(editor.get(f"/syncs/{lease.run_id}"))

    assert (run["status"], run["reconciliation"]) == ("failed", None)
    assert (run["error"]["code"], run["error"]["detail"]) == ("stripe_unavailable", "503 from /v1/invoices")
    assert "next sync starts automatically" in run["error"]["what_you_can_do"]


def test_a_running_sync_shows_its_counts_and_how_far_back_it_is(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)
    record_progress(editor.engine, lease, 200, back_to_unix_seconds=1_735_689_600)

    run = json_of(editor.get(f"/syncs/{lease.run_id}"))

    assert (run["status"], run["phase"], run["error"]) == ("running", "listing", None)
    assert (run["counts"]["invoices_listed"], run["counts"]["lines"]) == (200, 600)
    assert run["coverage"] == {"from": "2025-01-01T00:00:00Z", "to": None}
    assert json_of(editor.get("/syncs"))["data"] == [run]


def test_another_companys_sync_and_a_missing_one_get_the_same_bytes(editor: Editor) -> None:
    other = new_editor(editor.client, editor.engine, "acct_other")
    theirs = request_run(other.engine, other.company_id)
    absent = without_request_id(editor.get("/revenue-lines/il_none"))

    for run_id in (theirs, theirs + 1, 0, 2**63 - 1, 2**63, "9" * 5000, "x", "-1", "1.0"):
        for method, below in RUN_ROUTES:
            answer = editor.ask(editor.path(f"/syncs/{run_id}{below}"), method)
            assert without_request_id(answer) == absent, (run_id, method, below)
    for method, below in (("GET", ""), ("POST", ""), ("GET", f"/{theirs}"), ("POST", f"/{theirs}/cancel")):
        assert without_request_id(editor.ask(other.path(f"/syncs{below}"), method)) == absent
    assert run_of(other.engine, other.company_id, theirs).status == "queued"
    assert count_runs(editor.engine) == 1


def test_without_a_key_nothing_is_started_stopped_or_shown(editor: Editor) -> None:
    run_id = request_run(editor.engine, editor.company_id)

    for method, below in (("GET", ""), ("POST", ""), *((method, f"/{run_id}{below}") for method, below in RUN_ROUTES)):
        assert editor.ask(editor.path(f"/syncs{below}"), method, headers={}).status_code == 401
    assert run_of(editor.engine, editor.company_id, run_id).status == "queued"


def test_every_word_of_a_sync_that_the_database_knows_is_described(engine: Engine) -> None:
    words = {"trigger": TRIGGERS, "status": STATUSES, "phase": PHASES}
    with engine.connect() as connection:
        for column, described in words.items():
            constraint = f"sync_run_{column}_check"
            rule = connection.execute(
                text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"), {"name": constraint}
            ).scalar_one()
            assert sorted(rule.split("'")[1::2]) == sorted(described)
    assert {column.name for column in sync_run.c} >= set(words)


def test_stopping_a_sync_that_waits_ends_it_at_once(editor: Editor) -> None:
    run_id = request_run(editor.engine, editor.company_id)

    first, again = editor.post(f"/syncs/{run_id}/cancel"), editor.post(f"/syncs/{run_id}/cancel", json={})

    assert (first.status_code, json_of(first)["status"]) == (200, "canceled")
    assert json_of(first)["finished_at"] is not None
    assert (again.status_code, json_of(again)) == (200, json_of(first))
    assert sync_facts(editor.engine, editor.company_id) == ["sync.requested", "sync.finished"]


def test_stopping_a_sync_under_way_stops_it_before_it_keeps_another_page(editor: Editor, redis: Redis) -> None:
    lease = start_run(editor.engine, editor.company_id)

    answer = editor.post(f"/syncs/{lease.run_id}/cancel")

    assert (answer.status_code, json_of(answer)["status"]) == (202, "running")
    with pytest.raises(CancelRequestedError), held(editor.engine, lease):
        pass
    assert until(lambda: len(Queue(SYNC, connection=redis, serializer="json")) == 1)


def test_stopping_a_sync_that_is_over_changes_nothing(editor: Editor) -> None:
    lease = start_run(editor.engine, editor.company_id)
    finish_run(editor.engine, lease, SUCCEEDED)
    before = json_of(editor.get(f"/syncs/{lease.run_id}"))

    answer = editor.post(f"/syncs/{lease.run_id}/cancel")

    assert (answer.status_code, json_of(answer)) == (200, before)
    assert editor.post(f"/syncs/{lease.run_id}/cancel", json={"now": True}).status_code == 422
    assert sync_facts(editor.engine, editor.company_id) == ["sync.requested", "sync.finished"]


def test_what_cannot_be_committed_was_not_started(editor: Editor) -> None:
    with editor.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '53100'; END $$;"
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON sync_run DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    refused = editor.post()

    assert (refused.status_code, json_of(refused)["code"]) == (503, "unavailable")
    assert count_runs(editor.engine) == 0
    assert sync_facts(editor.engine, editor.company_id) == []
