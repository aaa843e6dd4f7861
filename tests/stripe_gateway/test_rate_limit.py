"""All processes together stay below Stripe's limits, with and without Redis, and nobody waits long."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from backlog.queues import open_redis
from events.connection.accounts import Account
from stripe_gateway.rate_limit import ENDPOINT_PER_SECOND, LIVE_PER_SECOND, TEST_PER_SECOND, RateLimit
from stripe_gateway.refusals import RateLimitedError

ACCOUNT = Account("acct_1", livemode=True)
BURST = 5
ROUNDING_SECONDS = 0.001


class Pauses:
    """A pause function that records the last pause instead of waiting."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, seconds: float) -> None:
        self.last = seconds


def slot_of(
    limit: RateLimit, pauses: Pauses, account: Account, endpoint: str, clock: Callable[[], float]
) -> tuple[float, float]:
    """Wait for a slot, and return the earliest and latest moment at which it can be, by the clock that gives slots."""
    pauses.last = 0.0
    before = clock()
    limit.wait(account, endpoint)
    return before + pauses.last, clock() + pauses.last


def clock_of(redis: Redis) -> Callable[[], float]:
    """Return the server's own clock, in seconds: another one may be set or run apart from it meanwhile."""

    def now() -> float:
        seconds, microseconds = redis.time()
        return float(seconds) + float(microseconds) / 1_000_000

    return now


def never_exceeds(slots: list[tuple[float, float]], per_second: float) -> bool:
    """Return whether every stretch of slots stays within the rate and its burst."""
    ordered = sorted(slots)
    return all(
        ordered[late][1] - ordered[early][0] + ROUNDING_SECONDS >= (late - early - BURST) / per_second
        for early in range(len(ordered))
        for late in range(early + 1, len(ordered))
    )


@pytest.fixture
def no_redis(tmp_path: Path) -> Redis:
    return open_redis(f"unix://{tmp_path / 'nobody.sock'}")


@pytest.mark.parametrize(
    ("account", "endpoint_of", "per_second"),
    [
        (ACCOUNT, lambda _: "invoices.list", ENDPOINT_PER_SECOND),
        (ACCOUNT, lambda number: f"endpoint {number}", LIVE_PER_SECOND),
        (Account("acct_1", livemode=False), lambda number: f"endpoint {number}", TEST_PER_SECOND),
    ],
    ids=["endpoint", "live", "test"],
)
def test_two_processes_together_stay_below_the_rate(
    account: Account, endpoint_of: Callable[[int], str], per_second: int, redis: Redis
) -> None:
    def ask(place: int) -> list[tuple[float, float]]:
        pauses, clock = Pauses(), clock_of(redis)
        limit = RateLimit(redis, pause=pauses)
        return [slot_of(limit, pauses, account, endpoint_of(100 * place + number), clock) for number in range(30)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))

    slots = [*first, *second]
    assert never_exceeds(slots, per_second)
    # The rate is also used: the last slot is no later than the rate requires, plus the time the calls took.
    assert max(slots)[0] - min(slots)[1] <= len(slots) / per_second + 1


def test_the_accounts_of_a_platform_share_its_rate(redis: Redis) -> None:
    pauses = Pauses()
    limit = RateLimit(redis, pause=pauses)

    accounts = [Account(f"acct_{number}", livemode=True) for number in range(150)]
    slots = [slot_of(limit, pauses, one, "invoices.list", clock_of(redis)) for one in accounts]

    assert never_exceeds(slots, LIVE_PER_SECOND)


def test_without_redis_a_process_takes_a_quarter(no_redis: Redis) -> None:
    pauses = Pauses()
    limit = RateLimit(no_redis, pause=pauses)

    slots = [slot_of(limit, pauses, ACCOUNT, "invoices.list", time.monotonic) for _ in range(20)]

    assert never_exceeds(slots, ENDPOINT_PER_SECOND / 4)


@pytest.mark.parametrize("has_redis", [True, False])
def test_nobody_asks_before_a_hold_by_stripe_is_over(redis: Redis, no_redis: Redis, *, has_redis: bool) -> None:
    pauses = Pauses()
    limit = RateLimit(redis if has_redis else no_redis, pause=pauses)
    other = RateLimit(redis, pause=pauses) if has_redis else limit

    limit.hold(ACCOUNT, "invoices.list", 2)

    other.wait(ACCOUNT, "invoices.list")
    assert pauses.last >= 1.9


@pytest.mark.parametrize("has_redis", [True, False])
def test_a_caller_that_would_wait_long_is_refused_and_delays_nobody_else(
    redis: Redis, no_redis: Redis, *, has_redis: bool
) -> None:
    pauses = Pauses()
    limit = RateLimit(redis if has_redis else no_redis, pause=pauses)
    limit.hold(ACCOUNT, "invoices.list", 3600)

    waits = []
    for _ in range(50):
        with pytest.raises(RateLimitedError) as refused:
            limit.wait(ACCOUNT, "invoices.list")
        waits.append(refused.value.seconds)

    limit.wait(ACCOUNT, "customers.list")
    limit.wait(Account("acct_2", livemode=True), "invoices.list")
    assert pauses.last == 0
    assert all(3590 <= seconds <= 3601 for seconds in waits)
