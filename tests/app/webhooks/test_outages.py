"""The servers behind the web process stop and return: it answers in time, loses nothing, and needs no restart."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from http.client import HTTPConnection
from threading import Event

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from backlog.jobs import PROJECTION
from events.log.append import append
from sandbox.valkey import ValkeyServer
from tests.support.company import company_with, new_key_headers
from tests.support.log import fact
from tests.support.web.stack import WebStack, children_of, frozen, sending_events
from tests.support.web.webhooks import Answer, bodies_of, invoice_event, until, web_process_behind

pytestmark = pytest.mark.timeout(60)

_ANSWERED_SECONDS = 22
_HELD_UP = text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'revmap-web' AND wait_event_type = 'Lock'"
)


@pytest.fixture(scope="module")
def stack() -> Iterator[WebStack]:
    with WebStack.running() as stack:
        yield stack


@pytest.fixture
def company(stack: WebStack, request: pytest.FixtureRequest) -> int:
    return company_with(stack.engine, account_of(request.node.name))


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    return account_of(request.node.name)


def account_of(test: str) -> str:
    return f"acct_{test}"


def is_asked_to_retry(answer: Answer) -> bool:
    return answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.seconds < 2


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_while_the_database_is_stopped_senders_are_asked_to_retry(stack: WebStack, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(3)]
    stack.postgres.stop()

    answers = [stack.send(body) for body in bodies]
    stack.restart_postgres()
    again = [stack.send(body).status for body in bodies]

    assert all(map(is_asked_to_retry, answers)), answers
    assert again == [200] * 3
    assert bodies_of(stack.engine, company) == bodies


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_while_the_database_is_frozen_senders_are_asked_to_retry(stack: WebStack, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(8)]

    with frozen(stack.postgres), ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(stack.send, bodies))
    assert until(stack.is_up)
    again = [stack.send(body).status for body in bodies]

    assert all(map(is_asked_to_retry, answers)), answers
    assert again == [200] * 8
    assert sorted(bodies_of(stack.engine, company)) == sorted(bodies)


def test_company_whose_log_is_blocked_delays_no_other(stack: WebStack, company: int, account: str) -> None:
    other = company_with(stack.engine, "acct_not_held_up")
    bodies = [invoice_event(account=account) for _ in range(4)]
    others = [invoice_event(account="acct_not_held_up") for _ in range(16)]

    with ThreadPoolExecutor(20) as threads, stack.engine.begin() as stalled:
        append(stalled, company, [fact("of a worker that stands still")])
        held_up = threads.map(stack.send, bodies)
        not_held_up = list(threads.map(stack.send, others))
        assert all(map(is_asked_to_retry, held_up))

    assert {answer.status for answer in not_held_up} == {200}
    assert sorted(bodies_of(stack.engine, other)) == sorted(others)


def held_up(stack: WebStack) -> int:
    """Return how many statements of readers wait for a lock."""
    with stack.engine.connect() as connection:
        return int(connection.execute(_HELD_UP).scalar_one())


def read_lines(stack: WebStack, company: int, key: dict[str, str]) -> tuple[int, dict]:
    with closing(HTTPConnection("127.0.0.1", stack.port, timeout=40)) as connection:
        connection.request("GET", f"/v1/companies/{company}/revenue-lines", headers=key)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.promise("A database that freezes while it reads: readers are told within 22 seconds", trials=(0, 1))
def test_a_read_that_is_under_way_when_the_database_freezes_is_answered(stack: WebStack, company: int) -> None:
    key = new_key_headers(stack.engine, company)
    with ThreadPoolExecutor(4) as threads:
        with stack.engine.begin() as holder:
            holder.execute(text("LOCK TABLE projection_active IN ACCESS EXCLUSIVE MODE"))
            readers = [threads.submit(read_lines, stack, company, key) for _ in range(4)]
            assert until(lambda: held_up(stack) == 4)
            with frozen(stack.postgres):
                answers = [reader.result(_ANSWERED_SECONDS) for reader in readers]
        again = read_lines(stack, company, key)

    assert {(status, problem["code"]) for status, problem in answers} == {(503, "unavailable")}
    assert again[0] == 200


def test_readers_who_hold_every_connection_keep_no_webhook_waiting(stack: WebStack, company: int, account: str) -> None:
    key = new_key_headers(stack.engine, company)

    def read() -> int:
        return read_lines(stack, company, key)[0]

    with ThreadPoolExecutor(12) as threads:
        with stack.engine.begin() as holder:
            holder.execute(text("LOCK TABLE projection_active IN ACCESS EXCLUSIVE MODE"))
            readers = [threads.submit(read) for _ in range(12)]
            assert until(lambda: held_up(stack) == 8)
            answers = [stack.send(invoice_event(account=account)) for _ in range(5)]
        read_statuses = {reader.result() for reader in readers}

    assert [answer.status for answer in answers] == [200] * 5
    assert max(answer.seconds for answer in answers) < 0.5
    assert read_statuses <= {200, 503}


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_while_valkey_is_stopped_events_are_kept_as_ever_and_then_workers_are_woken_again(
    stack: WebStack, company: int, account: str
) -> None:
    bodies = [invoice_event(account=account) for _ in range(20)]
    stack.valkey.stop()

    answers = [stack.send(body) for body in bodies[1:]]
    stack.valkey = ValkeyServer.start(stack.valkey.directory, durable=False)
    answers.append(stack.send(bodies[0]))

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 0.5
    assert len(bodies_of(stack.engine, company)) == 20
    with Redis.from_url(stack.valkey.url) as redis:
        assert until(lambda: redis.llen(f"rq:queue:{PROJECTION}") == 1)


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_while_valkey_is_frozen_or_full_events_are_kept_as_ever(stack: WebStack, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(40)]

    with frozen(stack.valkey):
        answers = [stack.send(body) for body in bodies[:20]]
    with Redis.from_url(stack.valkey.url) as redis:
        redis.flushall()
        redis.config_set("maxmemory", 1)
        with pytest.raises(RedisError):
            redis.set("anything", 1)
        answers += [stack.send(body) for body in bodies[20:]]
        redis.config_set("maxmemory", 0)

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 0.5
    assert bodies_of(stack.engine, company) == bodies


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_web_process_killed_at_any_moment_loses_nothing_acknowledged_and_keeps_nothing_twice(
    stack: WebStack, company: int, account: str
) -> None:
    with sending_events(stack, account) as sent:
        for _ in range(2):
            assert until(stack.is_up)
            Event().wait(0.1)
            stack.kill_worker()
        assert until(stack.is_up)
    unacknowledged = sent.refused + sent.unanswered
    again = {stack.send(body).status for body in [*unacknowledged, *sent.acknowledged[-20:]]}

    assert sent.acknowledged
    assert again == {200}
    assert sorted(bodies_of(stack.engine, company)) == sorted(sent.acknowledged + unacknowledged)


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_a_release_under_load_cuts_no_webhook_off_and_takes_each_when_it_is_sent_or_sent_again(
    stack: WebStack, company: int, account: str
) -> None:
    # On a slow machine a webhook may be refused, and its sender tries again. No connection may be refused or cut off.
    with sending_events(stack, account) as sent:
        assert until(stack.is_up)
        before = set(children_of(stack.master))
        os.kill(stack.master, signal.SIGHUP)
        assert until(lambda: not before.intersection(children_of(stack.master)), seconds=40)
        assert until(stack.is_up, seconds=40)
    again = {stack.send(body).status for body in sent.refused}

    assert sent.acknowledged
    assert sent.unanswered == []
    assert again <= {200}
    assert sorted(bodies_of(stack.engine, company)) == sorted(sent.acknowledged + sent.refused)


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_a_restart_behind_a_socket_that_stays_open_cuts_no_webhook_off(
    stack: WebStack, company: int, account: str
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, ExitStack() as old, ExitStack() as new:
        behind, served = replace(stack, port=listener.getsockname()[1]), (stack.postgres.url, stack.valkey.url)
        old.enter_context(web_process_behind(listener, *served))
        assert until(behind.is_up)
        with sending_events(behind, account) as sent:
            old.close()
            new.enter_context(web_process_behind(listener, *served))
            assert until(behind.is_up)
        again = {behind.send(body).status for body in sent.refused}

    assert sent.acknowledged
    assert sent.unanswered == []
    assert again <= {200}
    assert sorted(bodies_of(stack.engine, company)) == sorted(sent.acknowledged + sent.refused)


def test_counts_of_a_web_process_that_was_killed_are_still_reported(stack: WebStack, account: str) -> None:
    before = stack.webhooks_counted()
    assert {stack.send(invoice_event(account=account)).status for _ in range(5)} == {200}

    stack.kill_worker()
    assert until(stack.is_up)

    assert stack.webhooks_counted() >= before + 5


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_database_killed_at_any_moment_has_kept_all_that_was_acknowledged(
    stack: WebStack, company: int, account: str
) -> None:
    with sending_events(stack, account) as sent:
        Event().wait(0.3)
        stack.kill_postgres()
        assert until(stack.is_up)
    stored = bodies_of(stack.engine, company)

    assert sent.acknowledged
    assert set(sent.acknowledged) <= set(stored) <= {*sent.acknowledged, *sent.refused, *sent.unanswered}
    assert len(stored) == len(set(stored))


@pytest.mark.promise("Killed and frozen processes: acknowledged events are in the log, once each, and all converge")
def test_every_event_is_on_disk_before_it_is_acknowledged(stack: WebStack, company: int, account: str) -> None:
    before = stack.disk_writes()

    assert {stack.send(invoice_event(account=account)).status for _ in range(50)} == {200}

    assert stack.disk_writes() - before >= 50
