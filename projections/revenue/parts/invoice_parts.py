"""Derive the parts of an invoice's lines from the invoice, its credit notes, the mapping and the policy. Pure."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from events.stripe.observations import InvoiceHeader, Line, StatusDates
from projections.mapping.decisions.book import Book, mapping_of
from projections.mapping.mapped import UNMAPPED_LINE, Mapped, Overrides
from projections.mapping.rule_set import Subject
from projections.recognition.billing import BilledLine, Credit, Transitions, transitions_of
from projections.recognition.days import utc_day_of
from projections.recognition.outcome import Share, Shares
from projections.recognition.parts import Part, parts_of
from projections.revenue.credits import credits_by_line
from projections.revenue.state import InvoiceState, Key

# What rules may test of each line, given when the invoice was finalized, in Unix seconds.
SubjectsOf = Callable[[int], Iterable[tuple[Line, Subject]]]
# Outcomes that people chose for lines of the invoice, by the line's id.
LineOverrides = Mapping[str, Shares]

_NO_DATES = StatusDates()


class LinePart(Struct, frozen=True, gc=False):
    """A part of a line as it is stored: with the share that it is of, and what mapped the line.

    `day` is the line's own, in UTC.
    """

    line_id: str
    currency: str
    day: int
    layer: str
    rule_id: str | None
    share: Share
    part: Part

    @property
    def place(self) -> tuple[str, int, int]:
        """Return what tells it apart from the others of its invoice: its line, share and step."""
        return self.line_id, self.part.share_number, self.part.step_number


# The parts of an invoice, by their places.
PartsByPlace = Mapping[tuple[str, int, int], LinePart]


class InvoiceParts:
    """The parts of one invoice, derived from what is known of it at different positions.

    What cannot have changed is the same object as before: most facts change no part, and cost no more than that.
    """

    def __init__(self, key: Key, book: Book, overrides: LineOverrides) -> None:
        self.key, self.book, self._overrides = key, book, overrides
        self._derived: dict[tuple[object, ...], PartsByPlace] = {}

    def parts(self, invoice: InvoiceState, subjects_of: SubjectsOf) -> PartsByPlace:
        """Return the parts: none for an invoice of which no row is shown."""
        if invoice.is_deleted or invoice.header is None or invoice.status is None or invoice.lines is None:
            return {}
        lines = invoice.lines.value
        said = invoice.dates.value if invoice.dates else _NO_DATES
        transitions = transitions_of(invoice.status.value, said, invoice.seen_at)
        credits_of = credits_by_line(invoice) if invoice.credit_notes else {}
        mapped = self._mapped(invoice.header.value, lines, transitions.finalized.at, subjects_of)
        basis = (id(lines), transitions, tuple(sorted(credits_of.items())) if credits_of else (), mapped)
        parts = self._derived.get(basis)
        if parts is None:
            parts = self._derived[basis] = {
                part.place: part
                for line, one in zip(lines, mapped, strict=True)
                for part in self._parts_of(line, transitions, credits_of.get(line.line_id, ()), one)
            }
        return parts

    def _mapped(
        self, header: InvoiceHeader, lines: tuple[Line, ...], booked_at: int, subjects_of: SubjectsOf
    ) -> tuple[Mapped, ...]:
        book = self.book
        if not (book.rules or book.subscriptions or self._overrides):
            return (UNMAPPED_LINE,) * len(lines)
        values = [book.values_of(subject) for _, subject in subjects_of(booked_at)] if book.rules else [()] * len(lines)
        return tuple(
            mapping_of(book, of_line, booked_at, self._overrides_of(header, line))
            for line, of_line in zip(lines, values, strict=True)
        )

    def _overrides_of(self, header: InvoiceHeader, line: Line) -> Overrides:
        subscription_id = line.subscription_id or header.subscription_id
        of_subscription = self.book.override_of(livemode=self.key[0], subscription_id=subscription_id)
        return Overrides(self._overrides.get(line.line_id), of_subscription)

    def _parts_of(
        self, line: Line, transitions: Transitions, credits_of_line: tuple[Credit, ...], mapped: Mapped
    ) -> list[LinePart]:
        net_amount = line.amount - line.discount_amount - line.tax_amount
        billed = BilledLine(net_amount, line.period_start, line.period_end)
        parts = parts_of(billed, transitions, credits_of_line, mapped.shares, self.book.policy)
        day, shares = utc_day_of(line.period_start), mapped.shares
        return [
            LinePart(line.line_id, line.currency, day, mapped.layer, mapped.rule_id, shares[part.share_number], part)
            for part in parts
        ]
