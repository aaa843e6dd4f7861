"""One RQ worker on one queue, as a process of its own."""

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from workers.wiring import stopping

# Longer than any wait between jobs, or redis-py would cut the waiting short.
_DEQUEUE_SECONDS = 120


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
    connection = redis.Redis.from_url(redis_url)
    worker = PersistentWorker([queue], connection=connection, serializer=JSONSerializer, worker_ttl=_DEQUEUE_SECONDS)
    worker.work(logging_level="WARNING")
