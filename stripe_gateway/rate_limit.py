"""Keep all processes together within Stripe's rate limits: shared buckets in Redis, cautious local ones without it.

100 requests a second in live mode and 25 in test mode, 25 for one endpoint: https://docs.stripe.com/rate-limits.
It is not documented whether calls for a connected account count against it or against the platform: both are kept.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Lock

from redis import Redis
from redis.exceptions import RedisError

from events.connection.accounts import Account
from stripe_gateway.refusals import RateLimitedError

ENDPOINT_PER_SECOND = 25
LIVE_PER_SECOND = 100
TEST_PER_SECOND = 25

# After a pause, this many requests may be sent at once.
_BURST = 5
# Without Redis nobody knows how many processes send requests, so each takes a quarter.
_LOCAL_SHARE = 4
_SECOND_US = 1_000_000
_KEEP_MS = 600_000
# A waiting request holds a thread and slots that other requests need: beyond this it is postponed.
_LONGEST_WAIT_US = 3 * _SECOND_US

# Each bucket stores when it will be empty again. A slot is taken in all of them at once, at the latest of their times,
# and is never given back, so that a waiting request keeps its turn. Returns the microseconds to wait.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local start = now
for i, key in ipairs(KEYS) do
    local empty_at = tonumber(redis.call('GET', key) or 0)
    start = math.max(start, empty_at - ARGV[2 * i - 1] * ARGV[2 * i])
end
if start - now > tonumber(ARGV[#ARGV - 1]) then return start - now end
for i, key in ipairs(KEYS) do
    local empty_at = math.max(tonumber(redis.call('GET', key) or 0), start) + ARGV[2 * i - 1]
    redis.call('SET', key, string.format('%.0f', empty_at), 'PX', ARGV[#ARGV])
end
return start - now
"""
_HOLD = """
local time = redis.call('TIME')
local empty_at = time[1] * 1000000 + time[2] + ARGV[1]
if empty_at > tonumber(redis.call('GET', KEYS[1]) or 0) then
    redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX', ARGV[2])
end
"""


class RateLimit:
    """The buckets of one platform key. Safe to share between threads."""

    def __init__(self, redis: Redis, *, pause: Callable[[float], object]) -> None:
        self._reserve = redis.register_script(_RESERVE)
        self._hold = redis.register_script(_HOLD)
        self._pause = pause
        self._local: dict[str, int] = {}
        self._lock = Lock()

    def wait(self, account: Account, endpoint: str) -> None:
        """Wait until a request may be sent.

        :raises RateLimitedError: the wait would be too long; no slot was taken
        """
        intervals = dict(_buckets(account, endpoint))
        arguments = [value for interval_us in intervals.values() for value in (interval_us, _BURST)]
        try:
            wait_us = int(self._reserve(keys=list(intervals), args=[*arguments, _LONGEST_WAIT_US, _KEEP_MS]))
        except RedisError:
            wait_us = self._reserve_locally(intervals)
        if wait_us > _LONGEST_WAIT_US:
            raise RateLimitedError(wait_us / _SECOND_US)
        if wait_us > 0:
            self._pause(wait_us / _SECOND_US)

    def hold(self, account: Account, endpoint: str, seconds: float) -> None:
        """Block this endpoint of the account for some seconds, because Stripe said so."""
        key, interval_us = list(_buckets(account, endpoint))[-1]
        held_us = int(seconds * _SECOND_US) + _BURST * interval_us
        with self._lock:
            locally_us = held_us + _BURST * interval_us * (_LOCAL_SHARE - 1)
            self._local[key] = max(self._local.get(key, 0), _now_us() + locally_us)
        with suppress(RedisError):  # the local bucket is blocked already
            self._hold(keys=[key], args=[held_us, _KEEP_MS])

    def _reserve_locally(self, intervals: dict[str, int]) -> int:
        with self._lock:
            now = _now_us()
            shares = {key: interval_us * _LOCAL_SHARE for key, interval_us in intervals.items()}
            start = max([now, *(self._local.get(key, 0) - _BURST * each for key, each in shares.items())])
            if start - now > _LONGEST_WAIT_US:
                return start - now
            for key, each in shares.items():
                self._local[key] = max(self._local.get(key, 0), start) + each
            return start - now


def _buckets(account: Account, endpoint: str) -> Iterator[tuple[str, int]]:
    mode, per_second = ("live", LIVE_PER_SECOND) if account.livemode else ("test", TEST_PER_SECOND)
    yield f"revmap:rate:{mode}", _SECOND_US // per_second
    yield f"revmap:rate:{mode}:{account.account_id}", _SECOND_US // per_second
    yield f"revmap:rate:{mode}:{account.account_id}:{endpoint}", _SECOND_US // ENDPOINT_PER_SECOND


def _now_us() -> int:
    return time.monotonic_ns() // 1000
