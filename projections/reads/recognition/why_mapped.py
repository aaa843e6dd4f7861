"""Explain why a line is mapped as it is, by the newest names and metadata: older ones are not kept."""

from events.stripe.observations import StatusDates
from projections.mapping.decisions.book import explained
from projections.mapping.mapped import Explanation, Overrides
from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import LineRow
from projections.recognition.billing import transitions_of
from projections.recognition.days import zone_of
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.store.load_state import load_invoices
from projections.revenue.store.mapping.mapping_store import find_books, load_books, load_line_overrides
from projections.revenue.tested.subjects_at import subjects_at
from runtime.database import driver_of


def why_mapped(snapshot: Snapshot, line: LineRow) -> Explanation | None:
    """Return which rules a line meets and which it does not; None as of a past moment."""
    if snapshot.is_past:
        return None
    driver, key = driver_of(snapshot.connection), (line.livemode, line.invoice_id)
    at = BuildState(snapshot.company_id, snapshot.build, is_begun=True, revenue=RevenueState())
    load_books(find_books(driver, [at]), [at])
    load_invoices(driver, [(at, [key])])
    load_line_overrides(driver, [at])
    return _explained(at.revenue, key, line)


def _explained(revenue: RevenueState, key: tuple[bool, str], line: LineRow) -> Explanation | None:
    invoice, book = revenue.invoices[key].invoice, revenue.book
    if invoice.status is None:
        return None
    said = invoice.dates.value if invoice.dates else StatusDates()
    booked_at = transitions_of(invoice.status.value, said, invoice.seen_at).finalized.at
    of_subscription = book.override_of(livemode=line.livemode, subscription_id=line.subscription_id)
    of_line = revenue.line_overrides.get(key, {}).get(line.invoice_line_item_id)
    for one, subject in subjects_at(revenue, key, invoice, booked_at, zone_of(book.policy.time_zone)):
        if one.line_id == line.invoice_line_item_id:
            return explained(book, subject, booked_at, Overrides(of_line, of_subscription))
    return None
