"""How a fact was made: by which event, in which mode, and what orders it among others. Pure values."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct


class Change(NamedTuple):
    """Which event changed something last: its position, and when the log recorded it."""

    position: int
    recorded_at: datetime


class Sighting(Struct, frozen=True, gc=False):
    """How a fact was made: by which event, of which mode, and what orders it among others.

    The stamp is when it was seen, in Unix seconds, and 1 if Stripe was asked: later beats earlier, and in one second
    Stripe's answer beats an event.
    """

    change: Change
    livemode: bool
    stamp: tuple[int, int]

    @property
    def seen_at(self) -> int:
        """Tell when it was seen, in Unix seconds."""
        return self.stamp[0]
