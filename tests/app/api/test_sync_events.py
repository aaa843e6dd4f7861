"""Following a sync by server-sent events: every change once, then the end, and no connection held while waiting."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.pool import QueuePool
from werkzeug.test import TestResponse

from app.http import event_stream
from app.http.event_stream import KEEP_ALIVE_SECONDS, LOOK_SECONDS
from app.wiring.tools import Tools
from runtime.database import open_engine
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer
from tenants.tables import api_key, company
from tests.support.clock import NOON
from tests.support.company import company_with, new_key_headers
from tests.support.databases import new_database
from tests.support.syncs.run_states import SUCCEEDED, finish_run, record_progress, request_run, start_run
from tests.support.web.lines import json_of
from tests.support.web.syncs import Editor, events_of, new_editor, stepping_client
from tests.support.web.webhooks import web_process

_POLLS_PER_KEEP_ALIVE = int(KEEP_ALIVE_SECONDS / LOOK_SECONDS)


@pytest.fixture
def editor(web_tools: Tools, engine: Engine) -> Editor:
    return new_editor(stepping_client(web_tools), engine)


def follow(editor: Editor, web_tools: Tools, run_id: int, *steps: object, **headers: str) -> TestResponse:
    """Read a stream to its end, running one step in each of its waits."""
    listening = replace(editor, client=stepping_client(web_tools, *steps))  # type: ignore[arg-type]
    return listening.get(f"/syncs/{run_id}/events", headers={name.replace("_", "-"): v for name, v in headers.items()})


def nothing() -> None:
    """Do nothing during a wait."""


def test_every_change_is_sent_once_and_the_end_ends_the_stream(editor: Editor, web_tools: Tools) -> None:
    engine = editor.engine
    lease = start_run(engine, editor.company_id)
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    connections_in_use = []

    answer = follow(
        editor,
        web_tools,
        lease.run_id,
        nothing,
        lambda: record_progress(engine, lease, 100, back_to_unix_seconds=1_767_225_600),
        nothing,
        lambda: record_progress(engine, lease, 200, back_to_unix_seconds=1_735_689_600),
        lambda: connections_in_use.append(pool.checkedout()),
        lambda: finish_run(engine, lease, SUCCEEDED),
        lambda: pytest.fail("the stream goes on after the end"),
    )

    events = events_of(answer.text)
    assert [event.name for event in events] == ["progress", "progress", "progress", "finished"]
    assert [event.run["counts"]["invoices_listed"] for event in events] == [0, 100, 200, 200]
    assert [event.run["coverage"]["from"] for event in events[:3]] == [
        None,
        "2026-01-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
    ]
    assert len({event.id for event in events}) == 4
    assert events[-1].run == json_of(editor.get(f"/syncs/{lease.run_id}"))
    assert answer.text.startswith("retry: 2000\n\n")
    assert connections_in_use == [0]


def test_a_stream_declares_its_type_and_is_not_cached(editor: Editor, web_tools: Tools) -> None:
    run_id = request_run(editor.engine, editor.company_id)

    answer = follow(editor, web_tools, run_id)
    head = editor.ask(editor.path(f"/syncs/{run_id}/events"), "HEAD")

    assert answer.mimetype == "text/event-stream"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert (head.status_code, head.data, head.mimetype) == (200, b"", "text/event-stream")


def test_silence_is_broken_every_fifteen_seconds(editor: Editor, web_tools: Tools) -> None:
    run_id = request_run(editor.engine, editor.company_id)

    quiet = follow(editor, web_tools, run_id, *[nothing] * (_POLLS_PER_KEEP_ALIVE - 1))
    longer = follow(editor, web_tools, run_id, *[nothing] * (2 * _POLLS_PER_KEEP_ALIVE))

    assert LOOK_SECONDS <= 1
    assert quiet.text.count(": still here") == 0
    assert longer.text.count(": still here\n\n") == 2
    assert len(events_of(longer.text)) == 1


def test_a_client_that_reconnects_gets_only_what_is_new(editor: Editor, web_tools: Tools) -> None:
    lease = start_run(editor.engine, editor.company_id)
    (before,) = events_of(follow(editor, web_tools, lease.run_id).text)

    nothing_new = follow(editor, web_tools, lease.run_id, Last_Event_ID=before.id)
    (after,) = events_of(
        follow(
            editor,
            web_tools,
            lease.run_id,
            lambda: finish_run(editor.engine, lease, SUCCEEDED),
            Last_Event_ID=before.id,
        ).text
    )
    over = follow(editor, web_tools, lease.run_id, Last_Event_ID=after.id)

    assert events_of(nothing_new.text) == []
    assert after.name == "finished"
    assert (over.status_code, over.data) == (204, b"")  # tells a browser to stop reconnecting
    assert [one.name for one in events_of(follow(editor, web_tools, lease.run_id).text)] == ["finished"]


def test_a_revoked_key_gets_no_more_events(editor: Editor, web_tools: Tools) -> None:
    lease = start_run(editor.engine, editor.company_id)

    def revoke() -> None:
        record_progress(editor.engine, lease, 100, back_to_unix_seconds=1_767_225_600)
        with editor.engine.begin() as connection:
            connection.execute(update(api_key).values(revoked_at=NOON))

    answer = follow(editor, web_tools, lease.run_id, revoke, lambda: pytest.fail("it still listens"))

    assert [event.run["counts"]["invoices_listed"] for event in events_of(answer.text)] == [0]


def test_the_stream_of_a_deleted_company_ends(editor: Editor, web_tools: Tools) -> None:
    run_id = request_run(editor.engine, editor.company_id)

    def remove() -> None:
        with editor.engine.begin() as connection:
            connection.execute(delete(api_key))
            connection.execute(delete(company))

    answer = follow(editor, web_tools, run_id, remove, lambda: pytest.fail("the stream goes on"))

    assert len(events_of(answer.text)) == 1


def test_a_database_that_is_away_for_a_while_does_not_end_the_stream(editor: Editor, web_tools: Tools) -> None:
    engine = editor.engine
    lease = start_run(engine, editor.company_id)

    def rename(before: str, after: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    answer = follow(
        editor,
        web_tools,
        lease.run_id,
        lambda: rename("sync_run", "away"),
        nothing,
        lambda: rename("away", "sync_run"),
        lambda: finish_run(engine, lease),
    )

    assert [event.name for event in events_of(answer.text)] == ["progress", "finished"]


def test_the_number_of_streams_is_limited_per_company_and_in_total(
    editor: Editor, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MOST_STREAMS_OF_A_COMPANY", 3)
    monkeypatch.setattr(event_stream, "MOST_STREAMS", 5)
    others = new_editor(editor.client, engine, "acct_others")

    def listen(one: Editor, run_id: int) -> TestResponse:
        return one.client.get(one.path(f"/syncs/{run_id}/events"), headers=one.key)

    run, theirs = (request_run(engine, one.company_id) for one in (editor, others))

    of_one = [listen(editor, run) for _ in range(4)]
    of_others = [listen(others, theirs) for _ in range(3)]
    of_one[0].close()
    editor.ask(editor.path(f"/syncs/{run}/events"), "HEAD").close()
    after_one_left = [listen(others, theirs), listen(editor, run)]
    for answer in (*of_one, *of_others, *after_one_left):
        answer.close()

    assert [answer.status_code for answer in of_one] == [200, 200, 200, 503]
    assert [answer.status_code for answer in of_others] == [200, 200, 503]
    assert [answer.status_code for answer in after_one_left] == [200, 503]
    assert int(of_one[3].headers["Retry-After"]) > 0
    assert not event_stream._company_of_stream


@pytest.fixture(scope="module")
def stream_database(postgres: PostgresServer) -> Iterator[Engine]:
    """Yield a migrated database for the web process of this module."""
    with new_database(postgres) as url:
        engine = open_engine(url, name="tests", pool_size=2)
        yield engine
        engine.dispose()


class Listener:
    """A client that follows a sync on a real socket."""

    def __init__(self, port: int, path: str, key: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
        self._connection.request("GET", path, headers=key)
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200

    def next_event(self) -> tuple[str, dict]:
        """Wait for an event, and return its name and data."""
        name = ""
        while line := self._answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            if field == "data":
                return name, json.loads(value)
        raise AssertionError("the stream ended")

    def rest(self) -> str:
        """Wait for the end of the stream, and return what came before it."""
        rest = self._answer.read().decode()
        self._connection.close()
        return rest


def post(port: int, path: str, key: dict[str, str]) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
    connection.request("POST", path, headers=key)
    answer: dict = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_many_listen_while_one_process_answers_others_and_a_stop_ends_their_streams(
    stream_database: Engine, valkey: ValkeyServer
) -> None:
    company_id = company_with(stream_database, "acct_1")
    key = new_key_headers(stream_database, company_id, "editor")
    syncs = f"/v1/companies/{company_id}/syncs"
    with web_process(stream_database.url.render_as_string(hide_password=False), valkey.url) as (port, master):
        run = post(port, syncs, key)
        listeners = [Listener(port, f"{syncs}/{run['id']}/events", key) for _ in range(20)]
        first = [listener.next_event() for listener in listeners]
        canceled = post(port, f"{syncs}/{run['id']}/cancel", key)
        last = [listener.next_event() for listener in listeners]
        rests = [listener.rest() for listener in listeners]

        next_run = post(port, syncs, key)
        waiting = Listener(port, f"{syncs}/{next_run['id']}/events", key)
        waiting.next_event()
        started = time.monotonic()
        os.kill(master, signal.SIGTERM)
        rest = waiting.rest()
        seconds = time.monotonic() - started

    assert first == [("progress", run)] * 20
    assert last == [("finished", canceled)] * 20
    assert {block for rest_of in rests for block in rest_of.split("\n") if block} == set()
    assert rest.strip("\n") == ""
    assert seconds < 5  # not the thirty seconds that an ordinary request gets
