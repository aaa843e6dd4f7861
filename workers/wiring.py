"""The tools that jobs are handed: made once a process, from its environment."""

from dataclasses import dataclass
from functools import cache

from redis import Redis
from sqlalchemy import Engine

from events.clock import Clock, utc_now
from events.database import open_engine
from workers.gateway import StripeGateway
from workers.queues import open_redis
from workers.settings import WorkerSettings

_POOL_SIZE = 2


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job works with."""

    engine: Engine
    redis: Redis
    stripe: StripeGateway
    clock: Clock


@cache
def tools() -> Tools:
    """Give this process's tools. Nothing is connected before its first use."""
    settings = WorkerSettings.from_environ()
    return Tools(
        engine=open_engine(settings.database_url, name="worker", pool_size=_POOL_SIZE),
        redis=open_redis(settings.redis_url),
        stripe=StripeGateway(settings.stripe_secret_key, api_base=settings.stripe_api_base),
        clock=utc_now,
    )
