"""The parts of the state of a fold, each with the change that last altered what it shows. Pure values."""

from typing import Generic, NamedTuple

from msgspec import Struct, field

from events.stripe.details import InvoiceDetails, LineMetadata
from events.stripe.observations import (
    CreditNoteHeader,
    CreditNoteLine,
    CreditNoteStatus,
    InvoiceHeader,
    Line,
    Recurrence,
    StatusDates,
)
from projections.facts.sightings import Change, Sighting
from projections.recognition.billing import Moment
from projections.revenue.register import Register, Value


class CreditNoteState(Struct, frozen=True, array_like=True, gc=False):
    """All that is known of a credit note. The stamp of `lines` begins with 1 if the line set is complete, else 0.

    Of facts that show it void without a time, the stamp has the time of the earliest, negated.
    """

    status: Register[CreditNoteStatus] | None = None
    header: Register[CreditNoteHeader] | None = None
    lines: Register[tuple[CreditNoteLine, ...]] | None = None

    @property
    def is_complete(self) -> bool:
        """Return whether the whole line set is known."""
        return self.lines is not None and bool(self.lines.stamp[0])

    @property
    def voided(self) -> Moment | None:
        """Return since when it is void. Where Stripe does not say, the earliest fact that shows it stands in."""
        if self.status is None or self.status.value.status != "void":
            return None
        since = self.status.value.voided_at
        return Moment(abs(self.status.stamp[1]), is_estimated=True) if since is None else Moment(since)

    @property
    def is_gap(self) -> bool:
        """Return whether Stripe should be asked for it: lines are missing, or two facts of a second disagree."""
        return not self.is_complete or self.header is None or self.is_contested

    @property
    def is_contested(self) -> bool:
        """Return whether two facts of the same second disagree, so that Stripe should be asked."""
        return any(part is not None and part.is_contested for part in (self.status, self.header, self.lines))

    def shows_the_same_as(self, other: "CreditNoteState") -> bool:
        """Return whether both states show the same, whatever else they know."""
        return (
            self.is_complete == other.is_complete
            and _say_the_same(self.status, other.status)
            and self.voided == other.voided
            and _say_the_same(self.header, other.header)
            and _say_the_same(self.lines, other.lines)
        )


class InvoiceState(Struct, frozen=True, array_like=True, gc=False):
    """All that is known of an invoice. The stamp of `lines` begins with 1 if the line set is complete, else 0.

    `credit_notes` by their ids, in order; those of an invoice that nothing else is known of wait for it. The stamp of
    `dates` begins with 1 if Stripe says any. `seen_at` has, in order, when facts first showed what they did not date:
    in Unix seconds, by status, and as `finalized`. `details` are those of the fact that `header` is from,
    `line_metadata` of the one that `lines` are from.
    """

    status: Register[str] | None = None
    header: Register[InvoiceHeader] | None = None
    lines: Register[tuple[Line, ...]] | None = None
    is_deleted: bool = False
    credit_notes: dict[str, CreditNoteState] = field(default_factory=dict)
    dates: Register[StatusDates] | None = None
    seen_at: dict[str, int] = field(default_factory=dict)
    details: InvoiceDetails | None = None
    line_metadata: LineMetadata | None = None

    @property
    def is_complete(self) -> bool:
        """Return whether the whole line set is known."""
        return self.lines is not None and bool(self.lines.stamp[0])

    @property
    def is_contested(self) -> bool:
        """Return whether two facts of the same second disagree, so that Stripe should be asked."""
        return any(part is not None and part.is_contested for part in (self.status, self.header, self.lines))

    @property
    def gaps(self) -> tuple[bool, bool]:
        """Return whether its lines and whether its own facts should be fetched; neither if nobody misses them."""
        is_shown = self.header is not None and not self.is_deleted
        is_awaited = self.header is None and bool(self.credit_notes)
        return is_shown and not self.is_complete, is_awaited or (is_shown and self.is_contested)

    @property
    def contested_notes(self) -> set[str]:
        """Return the ids of the credit notes of which two facts of the same second disagree."""
        return {note_id for note_id, note in self.credit_notes.items() if note.is_contested}

    def shows_the_same_as(self, other: "InvoiceState") -> bool:
        """Return whether the table shows the same for both states, whatever else they know."""
        return (
            self.is_deleted == other.is_deleted
            and self.is_complete == other.is_complete
            and _say_the_same(self.status, other.status)
            and _say_the_same(self.header, other.header)
            and _say_the_same(self.lines, other.lines)
            and _say_the_same(self.dates, other.dates)
            and self.seen_at == other.seen_at
            and self._has_the_same_credit_notes_as(other)
        )

    def _has_the_same_credit_notes_as(self, other: "InvoiceState") -> bool:
        if not self.credit_notes and not other.credit_notes:
            return True
        return self.credit_notes.keys() == other.credit_notes.keys() and all(
            note.shows_the_same_as(other.credit_notes[note_id]) for note_id, note in self.credit_notes.items()
        )


def _say_the_same(one: Register[Value] | None, other: Register[Value] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.value is other.value or one.value == other.value


class PricedAs(Struct, frozen=True, array_like=True, gc=False):
    """How a price bills, which kind of fact said so, and the price's name, if it has one."""

    recurrence: Recurrence | None
    source: str
    name: str | None = None


# The name of a customer or a product. A product that lines refer to has none until a fact names it.
Name = str | None


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


# The mode (livemode) and the object's id at Stripe.
Key = tuple[bool, str]
