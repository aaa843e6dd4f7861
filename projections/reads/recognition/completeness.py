"""Say what is not in the figures of recognized revenue: invoices and credit notes that are not there, or not whole."""

from typing import NamedTuple

from sqlalchemy import func, not_, or_, select

from projections.reads.missing import MOST_COUNTED
from projections.reads.snapshots import Snapshot
from projections.reads.table.lines import list_quarantined
from projections.revenue.store.credit_note_tables import revenue_credit_note
from projections.revenue.store.tables import revenue_invoice

_READ_FROM = ("invoice:", "credit_note:")


class Lacking(NamedTuple):
    """How many facts could not be read, invoices are not whole, and credit notes wait or are not whole.

    Of each kind no more than `MOST_COUNTED` are counted.
    """

    unread: int = 0
    invoices: int = 0
    credit_notes: int = 0


def lacking_from(snapshot: Snapshot, *, livemode: bool) -> Lacking:
    """Count what is lacking now, whatever the snapshot's moment: what is learned later is missing from before, too."""
    quarantined = list_quarantined(snapshot, limit=MOST_COUNTED, before=None)
    unread = sum(
        not fact.is_resolved and fact.livemode == livemode and (fact.entity or "").startswith(_READ_FROM)
        for fact in quarantined
    )
    invoice, note = revenue_invoice.c, revenue_credit_note.c
    invoices = select(invoice.id).where(
        invoice.company_id == snapshot.company_id,
        invoice.build == snapshot.build,
        or_(invoice.lacks_lines, invoice.is_contested),
        invoice.livemode == livemode,
    )
    notes = select(note.credit_note_id).where(
        note.company_id == snapshot.company_id,
        note.build == snapshot.build,
        note.livemode == livemode,
        note.status == "issued",
        or_(not_(note.is_invoice_known), not_(note.is_complete), note.is_gap),
    )
    counts = (
        snapshot.connection.execute(
            select(func.count()).select_from(lacking.limit(MOST_COUNTED).subquery())
        ).scalar_one()
        for lacking in (invoices, notes)
    )
    return Lacking(unread, *counts)
