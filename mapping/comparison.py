"""Map lines by two books, one by one, and add those that differ to figures. Pure."""

from collections import Counter, defaultdict
from typing import NamedTuple

from events.stripe.observations import Line, StatusDates
from mapping.figures import ComparedLine, Figures
from projections.mapping.decisions.book import Book, mapping_of
from projections.mapping.mapped import Mapped, Overrides, is_moved_whole
from projections.mapping.rule_set import Subject, Values
from projections.recognition.billing import transitions_of
from projections.recognition.days import zone_of
from projections.recognition.parts import Part
from projections.revenue.fold import RevenueState
from projections.revenue.parts.invoice_parts import InvoiceParts, LineOverrides, PartsByPlace
from projections.revenue.state import InvoiceState, Key
from projections.revenue.tested.subjects_at import subjects_at

_NO_DATES = StatusDates()


class _Known(NamedTuple):
    """An invoice of which rows are shown, and when it was finalized, in Unix seconds.

    Its lines, each with what rules may test of it and what the new rules ask of that.
    """

    key: Key
    invoice: InvoiceState
    booked_at: int
    lines: list[tuple[Line, Subject, Values]]


class Comparison:
    """Maps lines by two books and adds those that differ to figures."""

    def __init__(self, before: Book, after: Book, figures: Figures) -> None:
        self._before, self._after, self._figures = before, after, figures
        self._zone = zone_of(before.policy.time_zone)

    def add(self, revenue: RevenueState) -> int:
        """Compare the lines of these invoices, and return how many they are."""
        known = [one for key, held in revenue.invoices.items() if (one := self._known(revenue, key, held.invoice))]
        asked = Counter(values for one in known for _, _, values in one.lines)
        # Asked once for all lines alike, and of all rules: that the first one maps them is remembered for what follows.
        for values, count in asked.items():
            self._figures.count(values, count)
        for one in known:
            self._compare(one, revenue.line_overrides.get(one.key, {}))
        return asked.total()

    def add_recognized_otherwise(self, revenue: RevenueState) -> int:
        """Add only the lines of these invoices that are not moved whole, all being counted, and return how many."""
        added = 0
        for key, held in revenue.invoices.items():
            if known := self._known(revenue, key, held.invoice):
                added += self._compare(known, revenue.line_overrides.get(key, {}), but_whole=True)
        return added

    def _known(self, revenue: RevenueState, key: Key, invoice: InvoiceState) -> _Known | None:
        if invoice.is_deleted or invoice.header is None or invoice.status is None or invoice.lines is None:
            return None
        said = invoice.dates.value if invoice.dates else _NO_DATES
        booked_at = transitions_of(invoice.status.value, said, invoice.seen_at).finalized.at
        subjects = subjects_at(revenue, key, invoice, booked_at, self._zone)
        return _Known(key, invoice, booked_at, [(*one, self._after.values_of(one[1])) for one in subjects])

    def _compare(self, known: _Known, overrides: LineOverrides, *, but_whole: bool = False) -> int:
        changed: dict[str, tuple[Mapped, Mapped]] = {}
        header, livemode = known.invoice.header, known.key[0]
        for line, subject, values in known.lines:
            subscription_id = line.subscription_id or (header.value.subscription_id if header else None)
            of_subscription = self._before.override_of(livemode=livemode, subscription_id=subscription_id)
            chosen = Overrides(overrides.get(line.line_id), of_subscription)
            before = mapping_of(self._before, self._before.values_of(subject), known.booked_at, chosen)
            after = mapping_of(self._after, values, known.booked_at, chosen)
            if before.shares != after.shares and not (but_whole and is_moved_whole(before, after)):
                changed[line.line_id] = before, after
        if changed:
            self._add_changed(known, overrides, changed)
        return len(changed)

    def _add_changed(self, known: _Known, overrides: LineOverrides, changed: dict[str, tuple[Mapped, Mapped]]) -> None:
        subjects = [one[:2] for one in known.lines]
        before = _by_line(InvoiceParts(known.key, self._before, overrides).parts(known.invoice, lambda _: subjects))
        after: dict[str, list[Part]] = {}
        if not all(is_moved_whole(*mapped) for mapped in changed.values()):
            after = _by_line(InvoiceParts(known.key, self._after, overrides).parts(known.invoice, lambda _: subjects))
        for line, _, _ in known.lines:
            if line.line_id in changed:
                net_amount = line.amount - line.discount_amount - line.tax_amount
                of_line = changed[line.line_id], before[line.line_id], after.get(line.line_id)
                self._figures.add(ComparedLine(known.key[1], line.line_id, line.currency, net_amount, *of_line))


def _by_line(parts: PartsByPlace) -> dict[str, list[Part]]:
    by_line: dict[str, list[Part]] = defaultdict(list)
    for part in parts.values():
        by_line[part.line_id].append(part.part)
    return by_line
