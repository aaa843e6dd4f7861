"""Run one RQ worker on one queue, in its own process; `backlog.queues` puts the jobs on it."""

from collections.abc import Callable, Mapping
from typing import Any

import redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from backlog.jobs import JOB_OF
from workers.wiring.tools import current_tools, stopping

# Longer than any wait between jobs; otherwise redis-py would cut the wait short.
_DEQUEUE_SECONDS = 120
# Without callbacks and URLs, which RQ would import and call.
_ALLOWED_FIELDS = frozenset(
    {
        *("data", "origin", "description", "status", "timeout", "result_ttl", "failure_ttl", "worker_name"),
        *("created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat"),
    }
)


class UnknownJobError(Exception):
    """A queued job is not one of ours."""


class PlainJob(Job):
    """A job read from Redis. Anyone who can write to Redis can start our jobs, and run nothing else."""

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Restore the allowed fields and no others."""
        super().restore({name: value for name, value in raw_data.items() if name.decode() in _ALLOWED_FIELDS})

    @property
    def func(self) -> Callable[..., Any]:
        """Return the function to call.

        :raises UnknownJobError: it is not one that our queues call
        """
        name = self.func_name
        if name is None or name not in JOB_OF.values():
            raise UnknownJobError(name)
        function: Callable[..., Any] = import_attribute(name)
        return function


class PersistentWorker(SimpleWorker):
    """Runs its jobs in its own process: they are short, share their connections and are safe to repeat.

    While Redis is unreachable, it waits at most two seconds between retries.
    """

    max_connection_wait_time = 2.0

    def handle_warm_shutdown_request(self) -> None:
        """Signal the current job to end at its next page."""
        stopping.set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ has no type there


def loaded_worker(queue: str, redis_url: str) -> PersistentWorker:
    """Return a worker on a queue that works until SIGTERM or SIGINT; the current job is finished first."""
    # Loaded before the first job: by then another release may have replaced the files.
    current_tools()
    import_attribute(JOB_OF[queue])
    return worker_on(queue, redis.Redis.from_url(redis_url))


def worker_on(queue: str, connection: redis.Redis) -> PersistentWorker:
    """Create a worker that calls only the jobs in `JOB_OF`."""
    return PersistentWorker(
        [queue], connection=connection, job_class=PlainJob, serializer=JSONSerializer, worker_ttl=_DEQUEUE_SECONDS
    )
