"""How a fact was made: by which event, in which mode, and its order among others. Pure values."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct


class Change(NamedTuple):
    """The event that last changed something: its position, and when the log recorded it."""

    position: int
    recorded_at: datetime


class Sighting(Struct, frozen=True, gc=False):
    """How a fact was made: by which event, in which mode, and its order among others.

    The stamp is when the fact was seen, in Unix seconds, and 1 if it was fetched from Stripe, else 0: later beats
    earlier, and within one second Stripe's answer beats an event.
    """

    change: Change
    livemode: bool
    stamp: tuple[int, int]

    @property
    def seen_at(self) -> int:
        """Return when the fact was seen, in Unix seconds."""
        return self.stamp[0]
