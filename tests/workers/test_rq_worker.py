"""Whoever can write to Redis can wake the workers, but cannot make them run anything else."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer

from backlog.jobs import JOB_OF, SYNC
from workers.rq_worker import PlainJob, worker_on

called: list[object] = []


def planted(*arguments: object) -> None:
    """Record a call that must never happen."""
    called.append(arguments)


@pytest.fixture
def queue(redis: Redis) -> Iterator[Queue]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    called.clear()
    yield Queue(SYNC, connection=redis, serializer=JSONSerializer)
    for number, handler in handlers.items():  # RQ replaces them while it works
        signal.signal(number, handler)


def test_a_function_that_is_no_job_of_ours_is_not_called(queue: Queue, redis: Redis, tmp_path: Path) -> None:
    queue.enqueue("os.mkdir", str(tmp_path / "made"), on_failure=Callback(f"{__name__}.planted"))

    worker_on(SYNC, redis).work(burst=True, logging_level="CRITICAL")

    assert len(queue) == 0
    assert not (tmp_path / "made").exists()
    assert called == []


def test_a_job_of_ours_brings_neither_callbacks_nor_addresses(queue: Queue, redis: Redis) -> None:
    mine = Callback(f"{__name__}.planted")
    queued = queue.enqueue(JOB_OF[SYNC], on_success=mine, on_failure=mine, on_stopped=mine)
    redis.hset(queued.key, "webhooks", '[{"url": "http://127.0.0.1:9/", "statuses": ["finished"]}]')

    job = PlainJob.fetch(queued.id, connection=redis, serializer=JSONSerializer)

    assert job.func_name == JOB_OF[SYNC]
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert not job.webhooks
