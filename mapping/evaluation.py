"""Evaluate rules on all lines of a company, as they are stored: what would they change? Writes nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import text

from events.stripe.observations import Line, StatusDates
from mapping.figures import CellKey, ComparedLine, Figures, Json, is_moved_whole
from projections.engine.folding import without_garbage_collection
from projections.mapping.decisions.book import Book, mapping_of
from projections.mapping.mapped import Mapped, Overrides
from projections.mapping.rule_set import RuleSet, Subject, Values
from projections.mapping.rules import Rules
from projections.reads.snapshots import Snapshot
from projections.recognition.billing import transitions_of
from projections.recognition.days import zone_of
from projections.recognition.outcome import REVENUE
from projections.recognition.parts import Part
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.parts.invoice_parts import InvoiceParts, LineOverrides, PartsByPlace
from projections.revenue.state import InvoiceState, Key
from projections.revenue.store.load_state import load_invoices
from projections.revenue.store.mapping.mapping_store import find_books, load_books, load_line_overrides
from projections.revenue.tested.subjects_at import subjects_at
from runtime.database import raw_driver

_INVOICES_AT_ONCE = 1000
_NEXT = text("""
    SELECT id FROM revenue_invoice
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND id > :after
    ORDER BY id LIMIT :most
""")
_RECOGNIZED = text("""
    SELECT month, nullif(stream_id, '') AS stream_id, currency, sum(earned + contra)::bigint AS net
    FROM recognition_by_month
    WHERE company_id = :company_id AND build = :build AND livemode = :livemode AND kind = :kind
    GROUP BY month, stream_id, currency
""")
_LINES = text("""
    SELECT count(*) FROM revenue_line WHERE company_id = :company_id AND build = :build AND livemode = :livemode
""")

# Told after every bite how many lines have been looked at.
Progress = Callable[[int], None]
_NO_DATES = StatusDates()


def book_at(snapshot: Snapshot) -> Book:
    """Return the book of the snapshot's build."""
    at = _build(snapshot)
    with raw_driver(snapshot.connection) as driver:
        load_books(find_books(driver, [at]), [at])
    return at.revenue.book


def lines_in(snapshot: Snapshot, *, livemode: bool) -> int:
    """Return how many lines of a mode there are."""
    return int(snapshot.connection.execute(_LINES, {**snapshot.bound(), "livemode": livemode}).scalar_one())


def evaluated(snapshot: Snapshot, before: Book, rules: Rules, *, livemode: bool, progress: Progress) -> Json:
    """Return what rules in place of those of `before`, the snapshot's book, would change in lines of a mode."""
    after = msgspec.structs.replace(before, rules=RuleSet(rules), rules_version=before.rules_version + 1)
    figures = Figures(after.rules or RuleSet(()), recognized(snapshot, livemode=livemode))
    comparison, done = _Comparison(before, after, figures), 0
    with without_garbage_collection():
        for revenue in in_bites(snapshot, livemode=livemode):
            done += comparison.add(revenue)
            progress(done)
    return figures.result()


def in_bites(snapshot: Snapshot, *, livemode: bool, most: int = _INVOICES_AT_ONCE) -> Iterator[RevenueState]:
    """Yield all invoices of a mode with what they refer to, and the overrides of their lines, some at a time."""
    scope, after = {**snapshot.bound(), "livemode": livemode, "most": most}, ""
    while ids := snapshot.connection.execute(_NEXT, scope | {"after": after}).scalars().all():
        at = _build(snapshot)
        with raw_driver(snapshot.connection) as driver:
            load_invoices(driver, [(at, [(livemode, invoice_id) for invoice_id in ids])])
            load_line_overrides(driver, [at])
        yield at.revenue
        after = ids[-1]


class _Known(NamedTuple):
    """An invoice of which rows are shown, and when it was finalized, in Unix seconds.

    Its lines, each with what rules may test of it and what the new rules ask of that.
    """

    key: Key
    invoice: InvoiceState
    booked_at: int
    lines: list[tuple[Line, Subject, Values]]


class _Comparison:
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

    def _known(self, revenue: RevenueState, key: Key, invoice: InvoiceState) -> _Known | None:
        if invoice.is_deleted or invoice.header is None or invoice.status is None or invoice.lines is None:
            return None
        said = invoice.dates.value if invoice.dates else _NO_DATES
        booked_at = transitions_of(invoice.status.value, said, invoice.seen_at).finalized.at
        subjects = subjects_at(revenue, key, invoice, booked_at, self._zone)
        return _Known(key, invoice, booked_at, [(*one, self._after.values_of(one[1])) for one in subjects])

    def _compare(self, known: _Known, overrides: LineOverrides) -> None:
        changed: dict[str, tuple[Mapped, Mapped]] = {}
        header, livemode = known.invoice.header, known.key[0]
        for line, subject, values in known.lines:
            subscription_id = line.subscription_id or (header.value.subscription_id if header else None)
            of_subscription = self._before.override_of(livemode=livemode, subscription_id=subscription_id)
            chosen = Overrides(overrides.get(line.line_id), of_subscription)
            before = mapping_of(self._before, self._before.values_of(subject), known.booked_at, chosen)
            after = mapping_of(self._after, values, known.booked_at, chosen)
            if before.shares != after.shares:
                changed[line.line_id] = before, after
        if changed:
            self._add_changed(known, overrides, changed)

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


def recognized(snapshot: Snapshot, *, livemode: bool) -> dict[CellKey, int]:
    """Return the revenue that is recognized now, net of contra, by cell."""
    of_mode = {**snapshot.bound(), "livemode": livemode, "kind": REVENUE}
    rows = snapshot.connection.execute(_RECOGNIZED, of_mode)
    return {CellKey(row.month, row.stream_id, row.currency): row.net for row in rows if row.net}


def _build(snapshot: Snapshot) -> BuildState:
    return BuildState(snapshot.company_id, snapshot.build, is_begun=True, revenue=RevenueState())
