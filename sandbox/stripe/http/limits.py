"""Stripe's rate limits: token buckets per account, and per named endpoint of an account."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe.http.errors import rate_limited

_NANOSECONDS = 1_000_000_000


@dataclass(slots=True)
class _Bucket:
    """A bucket of up to one second's requests, counted in billionths, so that refilling needs no fractions."""

    per_second: int
    level: int
    filled_at: int

    def take(self, now: int) -> bool:
        full = self.per_second * _NANOSECONDS
        self.level = min(full, self.level + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.level < _NANOSECONDS:
            return False
        self.level -= _NANOSECONDS
        return True


class RateLimits:
    """25 requests a second per endpoint and account; 100 per account in live mode, 25 in test mode.

    `monotonic_ns` returns nanoseconds that never go back.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int], *, endpoint: int = 25, live_account: int = 100, test_account: int = 25
    ) -> None:
        self._now = monotonic_ns
        self._endpoint = endpoint
        self._account = {True: live_account, False: test_account}
        self._buckets: dict[tuple[str, bool, str], _Bucket] = {}

    def take(self, account_id: str, operation: str, *, livemode: bool) -> None:
        """Count one request.

        :raises ApiError: 429, with the exceeded limit in `Stripe-Rate-Limited-Reason`
        """
        if not self._bucket((account_id, livemode, ""), self._account[livemode]).take(self._now()):
            raise rate_limited("global-rate")
        if not self._bucket((account_id, livemode, operation), self._endpoint).take(self._now()):
            raise rate_limited("endpoint-rate")

    def _bucket(self, key: tuple[str, bool, str], per_second: int) -> _Bucket:
        if key not in self._buckets:
            self._buckets[key] = _Bucket(per_second, per_second * _NANOSECONDS, self._now())
        return self._buckets[key]
