"""An operator starts a sync of a company, follows its progress, and sees the outcome."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from sqlalchemy import Engine, text
from sqlalchemy.pool import QueuePool

from backlog.jobs import SYNC
from backlog.syncs.report import run_as_json
from commands.sync_progress import Progress, Rate, watch
from events.connection.lifecycle import pause
from sandbox.valkey import ValkeyServer
from tests.commands.conftest import Run
from tests.support.clock import NOON
from tests.support.commands import error_of, json_of
from tests.support.company import company_with, new_key_headers
from tests.support.paths import ROOT
from tests.support.syncs.run_states import (
    FAILED,
    PARTIALLY_SUCCEEDED,
    SUCCEEDED,
    finish_run,
    record_progress,
    run_of,
    start_run,
)
from tests.support.web.webhooks import until
from workers.syncs.endings import Ending
from workers.syncs.leases import claim_run


@pytest.fixture(autouse=True)
def without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, "acct_tests")


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def run_until_ended(run: Run, engine: Engine, ending: Ending, *words: object) -> Result:
    """Run a command while a thread claims the sync that it requests and ends it this way."""

    def work() -> None:
        lease = None
        while lease is None:
            assert until(lambda: bool(run_ids(engine)))
            lease = claim_run(engine, now=NOON)
        finish_run(engine, lease, ending)

    with ThreadPoolExecutor(1) as threads:
        worker = threads.submit(work)
        result = run(*words)
        worker.result()
    return result


def run_ids(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM sync_run ORDER BY id")))


def test_a_sync_is_asked_for_and_the_next_command_joins_it(run: Run, engine: Engine, company_id: int) -> None:
    first = json_of(run("sync", company_id, "--json"))
    words = run("sync", company_id)

    assert (first["object"], first["status"], first["trigger"]) == ("sync_run", "queued", "manual")
    assert (first["requested_by"], first["company_id"]) == ("operator", company_id)
    assert run_ids(engine) == [first["id"]]
    assert words.exit_code == 0
    assert f"Sync {first['id']} of company {company_id} is queued" in words.stdout
    assert f"flask sync {company_id} --wait" in words.stdout


def test_the_workers_are_woken_where_redis_is_known(
    run: Run, redis: Redis, valkey: ValkeyServer, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", valkey.url)

    json_of(run("sync", company_id, "--json"))

    assert len(Queue(SYNC, connection=redis, serializer="json")) == 1


@pytest.mark.parametrize("redis_url", ["redis://127.0.0.1:1", "unix:///nowhere", "nonsense", "redis://host:port"])
def test_a_redis_that_is_away_is_reported_and_the_sync_is_kept(
    run: Run, engine: Engine, company_id: int, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)

    result = run("sync", company_id, "--json")

    assert json_of(result)["id"] in run_ids(engine)
    assert "REDIS_URL" in result.stderr
    assert redis_url not in result.stderr


def test_a_paused_connection_is_reported_as_paused(run: Run, engine: Engine, company_id: int) -> None:
    with engine.begin() as connection:
        pause(connection, company_id, actor="tests", now=NOON)

    assert f"company {company_id}'s connection is paused" in error_of(run("sync", company_id))


def test_a_company_that_cannot_be_synced_is_reported_and_nothing_is_recorded(run: Run, engine: Engine) -> None:
    unconnected = json_of(run("companies", "create", "Nothing Yet"))["id"]

    assert "flask connections authorize" in error_of(run("sync", unconnected, "--wait"))
    assert "flask companies list" in error_of(run("sync", 999, "--json"))
    assert [run("sync", unconnected).exit_code, run("sync", 999).exit_code] == [1, 1]
    for nobody in ("0", "-1", "acct_tests", str(2**63)):
        assert error_of(run("sync", "--", nobody))
    assert run_ids(engine) == []


def test_waiting_ends_with_the_proof(run: Run, engine: Engine, company_id: int) -> None:
    result = run_until_ended(run, engine, SUCCEEDED, "sync", company_id, "--wait")

    assert result.exit_code == 0
    assert "succeeded: 7 invoices match Stripe, 2 were repaired." in result.stdout


def test_the_json_after_waiting_is_that_of_the_api(
    run: Run, engine: Engine, company_id: int, client: FlaskClient
) -> None:
    result = run_until_ended(run, engine, SUCCEEDED, "sync", company_id, "--wait", "--json")

    run_id = json_of(result)["id"]
    api_response = client.get(f"/v1/companies/{company_id}/syncs/{run_id}", headers=new_key_headers(engine, company_id))
    assert json_of(result) == json.loads(api_response.text)


def test_differences_that_stay_are_listed_and_have_an_exit_code_of_their_own(
    run: Run, engine: Engine, company_id: int
) -> None:
    result = run_until_ended(run, engine, PARTIALLY_SUCCEEDED, "sync", company_id, "--wait")

    assert result.exit_code == 3
    assert result.stdout.splitlines()[1:] == [
        "  in_1: lines_differ; Stripe has paid, 3 lines, amount 1200; the table has paid, 2 lines, amount 800",
        "  in_2: unreadable; an unknown status",
        "  price_1: not_fetched; Stripe did not answer",
    ]


def test_a_failure_says_what_to_do_and_is_one(run: Run, engine: Engine, company_id: int) -> None:
    result = run_until_ended(run, engine, FAILED, "sync", company_id, "--wait")

    assert result.exit_code == 1
    assert "failed: Stripe didn't respond as expected." in result.stdout
    assert "The next sync starts automatically" in result.stdout
    assert "503 from /v1/invoices" in result.stdout


def test_a_canceled_sync_is_no_success(run: Run, engine: Engine, company_id: int) -> None:
    result = run_until_ended(run, engine, Ending("canceled"), "sync", company_id, "--wait", "--json")

    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, "canceled")


def watch_output(
    engine: Engine, stream: io.StringIO, *steps: Callable[[], object], company_id: int, run_id: int
) -> str:
    """Follow a sync to its end, running a step in each wait, and return what was written to the stream."""
    remaining: Iterator[Callable[[], object]] = iter(steps)
    seconds = 0.0

    def pause(waited: float) -> None:
        nonlocal seconds
        seconds += waited
        assert isinstance(engine.pool, QueuePool)
        assert engine.pool.checkedout() == 0
        next(remaining)()

    run_json = run_as_json(run_of(engine, company_id, run_id))
    watch(engine, run_json, Progress(stream, seconds=lambda: seconds), pause=pause)
    return stream.getvalue()


def steps_of(engine: Engine, company_id: int) -> tuple[int, list[Callable[[], object]]]:
    lease = start_run(engine, company_id)

    def waits() -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE sync_run SET waits_for = 'stripe'"))

    return lease.run_id, [
        lambda: None,
        lambda: record_progress(engine, lease, 1000, back_to_unix_seconds=1_767_225_600),
        lambda: None,
        lambda: record_progress(engine, lease, 1002, back_to_unix_seconds=1_735_689_600),
        waits,
        lambda: finish_run(engine, lease),
    ]


def test_a_log_gets_a_line_for_every_change_and_no_percentage(engine: Engine, company_id: int) -> None:
    run_id, steps = steps_of(engine, company_id)

    lines = watch_output(engine, io.StringIO(), *steps, company_id=company_id, run_id=run_id).splitlines()

    assert lines == [
        "listing: 0 invoices, 0 lines",
        "listing: 1,000 invoices, 3,000 lines, back to 2026-01, 1,000 invoices/s",
        "listing: 1,002 invoices, 3,006 lines, back to 2025-01, 501 invoices/s",
        "listing: 1,002 invoices, 3,006 lines, back to 2025-01, waiting for stripe, 401 invoices/s",
    ]


def test_a_terminal_shows_one_line_that_changes_and_then_is_gone(
    engine: Engine, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    run_id, steps = steps_of(engine, company_id)

    written = watch_output(engine, Terminal(), *steps, company_id=company_id, run_id=run_id)

    frames = written.split("\r\x1b[2K")
    assert "\n" not in written
    assert len(frames) == 1 + 6 + 1
    assert (frames[0], frames[-1]) == ("", "")
    assert frames[3] == "listing: 1,000 invoices, 3,000 lines, b"  # never as wide as the terminal: it would wrap


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    rate = Rate()

    assert rate.per_second(0, at_seconds=100.0) == 0
    assert rate.per_second(50, at_seconds=105.0) == 10
    assert rate.per_second(50, at_seconds=112.0) == 0
    assert rate.per_second(51, at_seconds=114.0) == 1 / 9


def test_ctrl_c_ends_the_waiting_and_not_the_sync(database_url: str, engine: Engine, company_id: int) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "sync", str(company_id), "--wait", "--json"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell runs in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing else runs yet
    )
    assert waiting.stderr is not None
    first = waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    stdout, stderr = waiting.communicate(timeout=40)

    (run_id,) = run_ids(engine)
    assert first == "queued\n"
    assert (waiting.returncode, stdout) == (130, "")
    assert f"Sync {run_id} is still running. Follow it with: flask sync {company_id} --wait" in stderr
    assert "Traceback" not in stderr
    assert run_of(engine, company_id, run_id).status == "queued"
