"""Count attempts in Redis and refuse too many. Without Redis nothing is limited, so that people can still sign in."""

import logging
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from flask import request
from redis import Redis
from redis.exceptions import RedisError

# A client with one IPv6 address has all of its /64.
_OWNED_BITS = 64

_log = logging.getLogger(__name__)


class TooManyAttemptsError(Exception):
    """There were too many attempts; the next is allowed after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of attempts allowed within a number of seconds, counted from the first attempt."""

    name: str
    attempts: int
    seconds: int


class RateLimits:
    """Counts of attempts, shared by all web processes. Whose attempts they are is stored only as a hash."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def count(self, limit: Limit, *whose: str) -> None:
        """Count an attempt.

        :raises TooManyAttemptsError: the limit is exceeded
        """
        key = _key(limit, whose)
        try:
            with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, limit.seconds, nx=True)
                pipeline.ttl(key)
                count, _, seconds_left = pipeline.execute()
        except RedisError as error:
            _log.warning("attempt not counted", extra={"limit": limit.name, "error": type(error).__name__})
            return
        if count > limit.attempts:
            raise TooManyAttemptsError(max(int(seconds_left), 1))

    def forget(self, limit: Limit, *whose: str) -> None:
        """Reset the count after a successful attempt."""
        try:
            self._redis.delete(_key(limit, whose))
        except RedisError as error:
            _log.warning("attempts not forgotten", extra={"limit": limit.name, "error": type(error).__name__})


def client_address() -> str:
    """Return the client's IP address, or its /64 for IPv6. Behind proxies, TRUSTED_PROXY_HOPS decides which."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return address.exploded[: _OWNED_BITS // 4 + 3] if isinstance(address, IPv6Address) else str(address)


def _key(limit: Limit, whose: tuple[str, ...]) -> str:
    return f"revmap:limit:{limit.name}:{sha256(repr(whose).encode()).hexdigest()[:32]}"
