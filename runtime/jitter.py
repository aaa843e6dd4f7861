"""Spread waits: those that began to wait together should not come back together.

Drawn here and not by PostgreSQL, since a distributed one refuses a volatile function in an UPDATE.
"""

from random import SystemRandom

_RANDOM = SystemRandom()


def jitter(least: float, most: float) -> float:
    """Return a random factor of a wait."""
    return _RANDOM.uniform(least, most)
