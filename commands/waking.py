"""Wake the workers from a command, which may not know Redis or may not reach it."""

import click
from redis.exceptions import RedisError

from backlog.jobs import SYNC
from backlog.queues import open_redis, wake
from runtime.environ import Environment


def wake_sync() -> None:
    """Wake the sync workers, as `wake_workers` does."""
    wake_workers(SYNC)


def wake_workers(queue: str) -> None:
    """Wake the workers of a queue if REDIS_URL is set.

    An unreachable Redis costs a second at most and prints a warning.
    """
    redis_url = Environment.of_process().optional("REDIS_URL")
    if redis_url is None:
        return
    try:
        with open_redis(redis_url) as redis:
            wake(redis, queue)
    except (RedisError, ValueError):
        click.echo("Could not reach Redis at REDIS_URL. The clock will find the work without it.", err=True)
