"""A clock for the simulated Stripe."""

from dataclasses import dataclass


@dataclass
class HandClock:
    """Unix seconds that change only when a test sets them; starts at 9 October 2025, 08:53:20 UTC."""

    now: int = 1_760_000_000

    def __call__(self) -> int:
        return self.now
