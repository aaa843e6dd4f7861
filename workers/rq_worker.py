"""One RQ worker on one queue, as a process of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from backlog.queues import JOB_OF
from workers.wiring.tools import stopping

# Longer than any wait between jobs, or redis-py would cut the waiting short.
_DEQUEUE_SECONDS = 120
# Not among them: callbacks and web addresses, which RQ would import and call.
_FIELDS_OF_A_RING = frozenset(
    {
        *("data", "origin", "description", "status", "timeout", "result_ttl", "failure_ttl", "worker_name"),
        *("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat"),
    }
)


class UnknownJobError(Exception):
    """Somebody queued what is no job of ours."""


class PlainJob(Job):
    """A job as Redis tells of it. Whoever can write to Redis can wake the jobs there are, and run nothing else."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read the fields that it has, and no other."""
        super().restore({name: value for name, value in raw_data.items() if name.decode() in _FIELDS_OF_A_RING})

    @property
    def func(self) -> Callable[..., Any]:
        """Give the function to call.

        :raises UnknownJobError: it is none of those that our queues call
        """
        name = self.func_name
        if name is None or name not in JOB_OF.values():
            raise UnknownJobError(name)
        function: Callable[..., Any] = import_attribute(name)
        return function


class PersistentWorker(SimpleWorker):
    """Runs its jobs in its own process: they are short, share their connections and are safe twice.

    While Redis is away it tries again every two seconds at most.
    """

    max_connection_wait_time = 2.0

    def handle_warm_shutdown_request(self) -> None:
        """Tell the job under way to end at its next page."""
        stopping.set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ has no type there


def run_worker(queue: str, redis_url: str) -> None:
    """Work on a queue until SIGTERM or SIGINT; the job under way is finished first."""
    worker_on(queue, redis.Redis.from_url(redis_url)).work(logging_level="WARNING")


def worker_on(queue: str, connection: redis.Redis) -> PersistentWorker:
    """Give a worker that calls the jobs of `JOB_OF` alone."""
    return PersistentWorker(
        [queue], connection=connection, job_class=PlainJob, serializer=JSONSerializer, worker_ttl=_DEQUEUE_SECONDS
    )
