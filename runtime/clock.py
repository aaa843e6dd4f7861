"""The one reader of the clock. Everything else is handed the time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the time now, aware and in UTC."""
    return datetime.now(UTC)
