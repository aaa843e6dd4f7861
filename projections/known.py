"""What a fold knows: the parts of the books, each with the change that last altered what it shows. Pure values."""

from datetime import datetime
from typing import Generic, NamedTuple

from msgspec import Struct

from events.observations import InvoiceHeader, Line, Recurrence
from projections.register import Register, Stamp, Value


class Change(NamedTuple):
    """Which event changed something last: its position, and when the log recorded it."""

    position: int
    recorded_at: datetime


class Sighting(NamedTuple):
    """How a fact was made: by which event, of which mode, seen when (Unix seconds), and by asking Stripe or not."""

    change: Change
    livemode: bool
    seen_at: int
    is_fetched: bool

    @property
    def stamp(self) -> Stamp:
        """Order sightings: later beats earlier, and in one second Stripe's answer beats an event."""
        return (self.seen_at, int(self.is_fetched))


class InvoiceBook(Struct):
    """All that is known of an invoice. `lines` is stamped with completeness first."""

    status: Register[str] | None = None
    header: Register[InvoiceHeader] | None = None
    lines: Register[tuple[Line, ...]] | None = None
    is_deleted: bool = False

    @property
    def is_complete(self) -> bool:
        """Tell whether the whole line set is known."""
        return self.lines is not None and bool(self.lines.stamp[0])

    @property
    def is_contested(self) -> bool:
        """Tell whether two facts of one second disagree, so that Stripe should be asked."""
        return any(part is not None and part.is_contested for part in (self.status, self.header, self.lines))

    def shows_the_same_as(self, other: "InvoiceBook") -> bool:
        """Tell whether the table shows the same of both books, whatever they know beyond that."""
        return (
            self.is_deleted == other.is_deleted
            and self.is_complete == other.is_complete
            and _say_the_same(self.status, other.status)
            and _say_the_same(self.header, other.header)
            and _say_the_same(self.lines, other.lines)
        )


def _say_the_same(one: Register[Value] | None, other: Register[Value] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.value is other.value or one.value == other.value


class PricedAs(Struct, frozen=True):
    """How a price bills, and which kind of fact told."""

    recurrence: Recurrence | None
    source: str


class Quarantined(NamedTuple):
    """A fact that could not be read, and why."""

    sighting: Sighting
    entity: str | None
    reason: str


class Held(NamedTuple):
    """A part of the books with the change that last altered what it shows."""

    book: InvoiceBook
    change: Change


class HeldValue(NamedTuple, Generic[Value]):
    """A settled price or name with the change that last altered it."""

    register: Register[Value]
    change: Change


# Whose mode, and its id at Stripe.
Key = tuple[bool, str]
