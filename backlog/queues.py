"""Wake the workers. The work itself is in the database: a lost wake-up costs one sweep of the clock, and no work."""

import logging
from threading import Event, Lock, Thread

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from backlog.jobs import JOB_OF, PREVIEW, PROJECTION

_REDIS_TIMEOUT_SECONDS = 0.5
_JOB_SECONDS = 60
# All lines of a company are looked at in one transaction, by a preview, and by a rebuild at each of its decisions.
_JOB_SECONDS_OF = {PREVIEW: 900, PROJECTION: 900}
_KEEP_FAILURE_SECONDS = 3600
# A queue whose job was lost can be woken again after this long.
_AWAKE_FOR_SECONDS = 10
_PAUSE_SECONDS = 0.1

_log = logging.getLogger(__name__)


def open_redis(redis_url: str) -> Redis:
    """Create a client that gives up on a slow or absent server after half a second. It connects on first use."""
    return Redis.from_url(
        redis_url, socket_timeout=_REDIS_TIMEOUT_SECONDS, socket_connect_timeout=_REDIS_TIMEOUT_SECONDS
    )


def wake(redis: Redis, queue: str) -> bool:
    """Enqueue the queue's one job, unless it is waiting there already; return whether this call did so.

    :raises RedisError: no worker was woken
    """
    if not redis.set(_awake_key(queue), 1, nx=True, ex=_AWAKE_FOR_SECONDS):
        return False
    Queue(queue, connection=redis, serializer="json").enqueue(
        JOB_OF[queue],
        job_timeout=_JOB_SECONDS_OF.get(queue, _JOB_SECONDS),
        result_ttl=0,
        failure_ttl=_KEEP_FAILURE_SECONDS,
    )
    return True


def wake_if_possible(redis: Redis, queue: str) -> None:
    """Wake the queue's workers, unless Redis is unreachable: then the clock finds the work."""
    try:
        wake(redis, queue)
    except RedisError as error:
        _log.warning("workers not woken", extra={"queue": queue, "error": type(error).__name__})


def acknowledge(redis: Redis, queue: str) -> None:
    """Allow the queue to be woken again. Call it before looking for work: what is committed later wakes it again."""
    redis.delete(_awake_key(queue))


def _awake_key(queue: str) -> str:
    return f"revmap:rung:{queue}"


class Waker:
    """Wakes a queue in the background, so that a slow or absent Redis never delays the caller."""

    def __init__(self, redis: Redis, queue: str = PROJECTION) -> None:
        self._redis = redis
        self._queue = queue
        self._asked = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._closed = Event()

    def ask(self) -> None:
        """Request that the queue be woken soon, and return at once; many calls wake it once."""
        if self._thread is None:
            # Started on first use, because a thread does not survive the fork of a web process.
            with self._starting:
                if self._thread is None:
                    thread = Thread(target=self._wake_until_closed, name=f"waker of {self._queue}", daemon=True)
                    thread.start()
                    self._thread = thread  # only now, because `close` joins it
        if not self._asked.is_set():
            self._asked.set()

    def close(self) -> None:
        """Stop waking, and return when the last call is over."""
        self._closed.set()
        self._asked.set()
        if self._thread is not None:
            self._thread.join()

    def _wake_until_closed(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._closed.is_set():
                return
            try:
                wake(self._redis, self._queue)
            except Exception as error:  # noqa: BLE001 - the waker must survive any failure of one call
                _log.warning("workers not woken", extra={"queue": self._queue, "error": type(error).__name__})
            self._closed.wait(_PAUSE_SECONDS)
