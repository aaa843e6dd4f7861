"""What the web process depends on goes away and comes back: it says so in time, loses nothing, and needs no restart."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Event

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from backlog.queues import PROJECTION
from events.log.append import append
from sandbox.valkey import ValkeyServer
from tests.support.company import company_with, key_of
from tests.support.log import fact
from tests.support.web.house import House, children_of, frozen, stormed
from tests.support.web.webhooks import Answer, bodies_of, invoice_event, until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House.opened() as house:
        yield house


@pytest.fixture
def company(house: House, request: pytest.FixtureRequest) -> int:
    return company_with(house.engine, account_of(request.node.name))


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    return account_of(request.node.name)


def account_of(test: str) -> str:
    return f"acct_{test}"


def asks_to_come_again(answer: Answer) -> bool:
    return answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.seconds < 2


def test_while_the_database_is_stopped_senders_are_told_to_come_again(house: House, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(3)]
    house.postgres.stop()

    told = [house.send(body) for body in bodies]
    house.restart_postgres()
    again = [house.send(body).status for body in bodies]

    assert all(map(asks_to_come_again, told)), told
    assert again == [200] * 3
    assert bodies_of(house.engine, company) == bodies


def test_while_the_database_is_frozen_senders_are_told_to_come_again(house: House, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(8)]

    with frozen(house.postgres), ThreadPoolExecutor(8) as threads:
        told = list(threads.map(house.send, bodies))
    assert until(house.is_up)
    again = [house.send(body).status for body in bodies]

    assert all(map(asks_to_come_again, told)), told
    assert again == [200] * 8
    assert sorted(bodies_of(house.engine, company)) == sorted(bodies)


def test_company_whose_log_is_held_up_holds_up_no_other(house: House, company: int, account: str) -> None:
    other = company_with(house.engine, "acct_not_held_up")
    bodies = [invoice_event(account=account) for _ in range(4)]
    others = [invoice_event(account="acct_not_held_up") for _ in range(16)]

    with ThreadPoolExecutor(20) as threads, house.engine.begin() as stalled:
        append(stalled, company, [fact("of a worker that stands still")])
        held_up = threads.map(house.send, bodies)
        not_held_up = list(threads.map(house.send, others))
        assert all(map(asks_to_come_again, held_up))

    assert {answer.status for answer in not_held_up} == {200}
    assert sorted(bodies_of(house.engine, other)) == sorted(others)


def test_readers_who_hold_every_connection_keep_no_webhook_waiting(house: House, company: int, account: str) -> None:
    key = key_of(house.engine, company)
    held_up = text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'revmap-web' AND wait_event_type = 'Lock'"
    )

    def waiting() -> int:
        with house.engine.connect() as connection:
            return int(connection.execute(held_up).scalar_one())

    def read() -> int:
        with closing(HTTPConnection("127.0.0.1", house.port, timeout=20)) as connection:
            connection.request("GET", f"/v1/companies/{company}/revenue-lines", headers=key)
            return connection.getresponse().status

    with ThreadPoolExecutor(12) as threads:
        with house.engine.begin() as holder:
            holder.execute(text("LOCK TABLE projection_active IN ACCESS EXCLUSIVE MODE"))
            readers = [threads.submit(read) for _ in range(12)]
            assert until(lambda: waiting() == 8)
            answers = [house.send(invoice_event(account=account)) for _ in range(5)]
        read_statuses = {reader.result() for reader in readers}

    assert [answer.status for answer in answers] == [200] * 5
    assert max(answer.seconds for answer in answers) < 0.5
    assert read_statuses <= {200, 503}


def test_while_valkey_is_stopped_events_are_kept_as_ever_and_then_the_bell_is_rung_again(
    house: House, company: int, account: str
) -> None:
    bodies = [invoice_event(account=account) for _ in range(20)]
    house.valkey.stop()

    answers = [house.send(body) for body in bodies[1:]]
    house.valkey = ValkeyServer.start(house.valkey.directory, durable=False)
    answers.append(house.send(bodies[0]))

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 0.5
    assert len(bodies_of(house.engine, company)) == 20
    with Redis.from_url(house.valkey.url) as redis:
        assert until(lambda: redis.llen(f"rq:queue:{PROJECTION}") == 1)


def test_while_valkey_is_frozen_or_full_events_are_kept_as_ever(house: House, company: int, account: str) -> None:
    bodies = [invoice_event(account=account) for _ in range(40)]

    with frozen(house.valkey):
        answers = [house.send(body) for body in bodies[:20]]
    with Redis.from_url(house.valkey.url) as redis:
        redis.flushall()
        redis.config_set("maxmemory", 1)
        with pytest.raises(RedisError):
            redis.set("anything", 1)
        answers += [house.send(body) for body in bodies[20:]]
        redis.config_set("maxmemory", 0)

    assert {answer.status for answer in answers} == {200}
    assert max(answer.seconds for answer in answers) < 0.5
    assert bodies_of(house.engine, company) == bodies


def test_web_process_killed_at_any_moment_loses_nothing_acknowledged_and_keeps_nothing_twice(
    house: House, company: int, account: str
) -> None:
    with stormed(house, account) as sent:
        for _ in range(2):
            assert until(house.is_up)
            Event().wait(0.1)
            house.kill_worker()
        assert until(house.is_up)
    unsure = sent.put_off + sent.cut_off
    again = {house.send(body).status for body in [*unsure, *sent.acknowledged[-20:]]}

    assert sent.acknowledged
    assert again == {200}
    assert sorted(bodies_of(house.engine, company)) == sorted(sent.acknowledged + unsure)


def test_a_release_under_load_cuts_no_webhook_off_and_takes_each_when_it_is_sent_or_sent_again(
    house: House, company: int, account: str
) -> None:
    # On a slow machine a webhook may be put off; its sender comes again. None may meet a closed door.
    with stormed(house, account) as sent:
        assert until(house.is_up)
        before = set(children_of(house.master))
        os.kill(house.master, signal.SIGHUP)
        assert until(lambda: not before.intersection(children_of(house.master)), seconds=40)
        assert until(house.is_up, seconds=40)
    again = {house.send(body).status for body in sent.put_off}

    assert sent.acknowledged
    assert sent.cut_off == []
    assert again <= {200}
    assert sorted(bodies_of(house.engine, company)) == sorted(sent.acknowledged + sent.put_off)


def test_counts_of_a_web_process_that_was_killed_are_still_told(house: House, account: str) -> None:
    before = house.webhooks_counted()
    assert {house.send(invoice_event(account=account)).status for _ in range(5)} == {200}

    house.kill_worker()
    assert until(house.is_up)

    assert house.webhooks_counted() >= before + 5


def test_database_killed_at_any_moment_has_kept_all_that_was_acknowledged(
    house: House, company: int, account: str
) -> None:
    with stormed(house, account) as sent:
        Event().wait(0.3)
        house.kill_postgres()
        assert until(house.is_up)
    held = bodies_of(house.engine, company)

    assert sent.acknowledged
    assert set(sent.acknowledged) <= set(held) <= {*sent.acknowledged, *sent.put_off, *sent.cut_off}
    assert len(held) == len(set(held))


def test_every_event_is_on_disk_before_it_is_acknowledged(house: House, company: int, account: str) -> None:
    before = house.disk_writes()

    assert {house.send(invoice_event(account=account)).status for _ in range(50)} == {200}

    assert house.disk_writes() - before >= 50
