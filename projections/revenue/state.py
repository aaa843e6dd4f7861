"""What a fold knows: the parts of the revenue, each with the change that last altered what it shows. Pure values."""

from typing import Generic, NamedTuple

from msgspec import Struct

from events.stripe.observations import InvoiceHeader, Line, Recurrence
from projections.facts.sightings import Change, Sighting
from projections.revenue.register import Register, Value


class InvoiceState(Struct, frozen=True, array_like=True, gc=False):
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

    def shows_the_same_as(self, other: "InvoiceState") -> bool:
        """Tell whether the table shows the same of both revenue, whatever they know beyond that."""
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


class PricedAs(Struct, frozen=True, array_like=True, gc=False):
    """How a price bills, and which kind of fact told."""

    recurrence: Recurrence | None
    source: str


class Quarantined(NamedTuple):
    """A fact that could not be read, and why."""

    sighting: Sighting
    entity: str | None
    reason: str


class Held(Struct, frozen=True, gc=False):
    """What is known of an invoice, with the change that last altered what it shows."""

    invoice: InvoiceState
    change: Change


class HeldValue(Struct, Generic[Value], frozen=True, gc=False):
    """A settled price or name with the change that last altered it."""

    register: Register[Value]
    change: Change


# Whose mode, and its id at Stripe.
Key = tuple[bool, str]
