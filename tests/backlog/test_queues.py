"""Waking workers: many requests queue one job, and an unreachable Redis delays nobody."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import fakeredis
import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.utils import import_attribute

from backlog.jobs import FETCH, JOB_OF, PROJECTION
from backlog.queues import Waker, acknowledge, open_redis, wake
from sandbox.valkey import ValkeyServer


@pytest.fixture
def fake() -> Iterator[Redis]:
    with fakeredis.FakeRedis() as client:
        yield client


def count_jobs(redis: Redis, queue: str = PROJECTION) -> int:
    return len(Queue(queue, connection=redis, serializer="json"))


def wait_for_jobs(redis: Redis, count: int) -> None:
    pause, deadline = Event(), time.monotonic() + 40
    while count_jobs(redis) != count and time.monotonic() < deadline:
        pause.wait(0.005)
    assert count_jobs(redis) == count


def test_wake_ups_before_the_acknowledgement_make_one_job(fake: Redis) -> None:
    assert [wake(fake, PROJECTION) for _ in range(5)] == [True, False, False, False, False]
    assert count_jobs(fake) == 1


def test_a_wake_up_after_the_acknowledgement_makes_another_job(fake: Redis) -> None:
    wake(fake, PROJECTION)
    acknowledge(fake, PROJECTION)

    assert wake(fake, PROJECTION)
    assert count_jobs(fake) == 2


def test_each_queue_is_woken_on_its_own(fake: Redis) -> None:
    assert wake(fake, PROJECTION)
    assert wake(fake, FETCH)


@pytest.mark.parametrize("queue", JOB_OF)
def test_every_queued_name_is_a_function(queue: str) -> None:
    assert callable(import_attribute(JOB_OF[queue]))


def test_what_releases_leave_in_redis_for_each_other_keeps_its_names(fake: Redis) -> None:
    # A job that one release queued is worked on by the next, and neither wakes a queue that the other has just woken.
    assert JOB_OF == {
        "projection": "workers.jobs.catch_up_projections",
        "fetch": "workers.jobs.fetch_what_is_due",
        "sync": "workers.jobs.sync_what_is_due",
        "notice": "workers.notices.jobs.send_what_is_due",
        "preview": "workers.previews.jobs.preview_what_is_due",
    }
    assert wake(fake, PROJECTION)
    assert fake.exists("revmap:rung:projection") == 1


def test_asking_often_queues_one_job(redis: Redis) -> None:
    waker = Waker(redis)

    for _ in range(1000):
        waker.ask()

    wait_for_jobs(redis, 1)


def test_asking_takes_no_time_while_redis_is_away_and_wakes_once_it_is_back(tmp_path: Path) -> None:
    server = ValkeyServer.start(tmp_path, durable=False)
    with open_redis(server.url) as client:
        waker = Waker(client)
        server.stop()
        # Other processes may take the processor away: the quickest turn shows that asking itself does not wait.
        asked_seconds = min(seconds_to_ask(waker, 100) for _ in range(10))
        with pytest.raises(RedisError):
            wake(client, PROJECTION)
        with ValkeyServer.start(tmp_path, durable=False):
            waker.ask()
            wait_for_jobs(client, 1)

    assert asked_seconds < 0.05


def seconds_to_ask(waker: Waker, times: int) -> float:
    started = time.monotonic()
    for _ in range(times):
        waker.ask()
    return time.monotonic() - started
