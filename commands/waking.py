"""Wake the workers from a command, which may not know Redis, or find it away."""

import click
from redis.exceptions import RedisError

from backlog.queues import SYNC, open_redis, wake
from runtime.environ import Environment


def wake_sync() -> None:
    """Wake who works on syncs, if REDIS_URL is set. A Redis that cannot be rung is told, and costs a second at most."""
    redis_url = Environment.of_process().optional("REDIS_URL")
    if redis_url is None:
        return
    try:
        with open_redis(redis_url) as redis:
            wake(redis, SYNC)
    except (RedisError, ValueError):
        click.echo("Redis, at REDIS_URL, could not be reached: the clock finds the sync without it.", err=True)
