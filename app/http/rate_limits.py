"""Count attempts in Redis, and say when there were too many. Without Redis nothing is limited: people still sign in."""

import logging
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from flask import request
from redis import Redis
from redis.exceptions import RedisError

# Whoever has one IPv6 address has all of its /64.
_OWNED_BITS = 64

_log = logging.getLogger(__name__)


class TooManyAttemptsError(Exception):
    """Attempted too often; `retry_after_seconds` says when there is room again."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in so many seconds, from the first one on."""

    name: str
    attempts: int
    seconds: int


class RateLimits:
    """Counts of attempts, shared by all web processes. What is counted is kept as a hash."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def count(self, limit: Limit, *whose: str) -> None:
        """Count an attempt.

        :raises TooManyAttemptsError: it is one too many
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
        """Start counting anew, after an attempt that was right."""
        try:
            self._redis.delete(_key(limit, whose))
        except RedisError as error:
            _log.warning("attempts not forgotten", extra={"limit": limit.name, "error": type(error).__name__})


def client_address() -> str:
    """Give who knocks, as far as addresses tell. Behind proxies it is what TRUSTED_PROXY_HOPS says to believe."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return address.exploded[: _OWNED_BITS // 4 + 3] if isinstance(address, IPv6Address) else str(address)


def _key(limit: Limit, whose: tuple[str, ...]) -> str:
    return f"revmap:limit:{limit.name}:{sha256(repr(whose).encode()).hexdigest()[:32]}"
