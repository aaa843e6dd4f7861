"""Tell what is known of an invoice and its credit notes after one more fact. Pure.

Any order and repetition of facts gives the same: each part is a register.
"""

from events.stripe.observations import (
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CreditNoteStatus,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    StatusDates,
)
from projections.revenue.register import Stamp, settle
from projections.revenue.state import CreditNoteState, InvoiceState
from projections.revenue.tested.details import settle_both

STATUS_RANK = {"open": 0, "uncollectible": 1, "paid": 2, "void": 2}
_CREDIT_NOTE_RANK = {"issued": 0, "void": 1}
_NO_NOTE = CreditNoteState()
_NO_DATES = StatusDates()
_NEVER = 1 << 63

AboutInvoice = InvoiceSeen | InvoiceLinesSeen | InvoiceDeleted | CreditNoteSeen | CreditNoteLinesSeen


def invoice_after(invoice: InvoiceState, seen: AboutInvoice, stamp: Stamp) -> InvoiceState:
    """Return the state of an invoice after a fact with this stamp."""
    status, header, lines, is_deleted, notes, dates, seen_at = (
        invoice.status,
        invoice.header,
        invoice.lines,
        invoice.is_deleted,
        invoice.credit_notes,
        invoice.dates,
        invoice.seen_at,
    )
    details, line_metadata = invoice.details, invoice.line_metadata
    match seen:
        case InvoiceDeleted():
            is_deleted = True
        case InvoiceLinesSeen():
            lines, line_metadata = settle_both(lines, line_metadata, seen.lines, seen.line_metadata, (1, *stamp))
        case InvoiceSeen():
            status = settle(status, seen.status, (STATUS_RANK[seen.status], *stamp))
            header, details = settle_both(header, details, seen.header, seen.details, stamp)
            of_lines = (int(seen.is_complete), *stamp)
            lines, line_metadata = settle_both(lines, line_metadata, seen.lines, seen.line_metadata, of_lines)
            dates = settle(dates, seen.dates, (int(seen.dates != _NO_DATES), STATUS_RANK[seen.status], *stamp))
            seen_at = _undated(seen_at, seen, stamp[0])
        case CreditNoteSeen() | CreditNoteLinesSeen():
            note = _note_after(notes.get(seen.note_id, _NO_NOTE), seen, stamp)
            notes = dict(sorted({**notes, seen.note_id: note}.items()))
    return InvoiceState(status, header, lines, is_deleted, notes, dates, seen_at, details, line_metadata)


def _undated(seen_at: dict[str, int], seen: InvoiceSeen, now: int) -> dict[str, int]:
    """Return when undated statuses were first seen, after a fact of this time."""
    dates = seen.dates
    status_at = {"uncollectible": dates.marked_uncollectible_at, "paid": dates.paid_at, "void": dates.voided_at}
    reached = {"finalized": dates.finalized_at, seen.status: status_at.get(seen.status, now)}
    undated = [name for name, at in reached.items() if at is None and now < seen_at.get(name, _NEVER)]
    return dict(sorted({**seen_at, **dict.fromkeys(undated, now)}.items())) if undated else seen_at


def _note_after(note: CreditNoteState, seen: CreditNoteSeen | CreditNoteLinesSeen, stamp: Stamp) -> CreditNoteState:
    if isinstance(seen, CreditNoteLinesSeen):
        return CreditNoteState(note.status, note.header, settle(note.lines, seen.lines, (1, *stamp)))
    return CreditNoteState(
        settle(note.status, seen.status, _stamp_of_note(seen.status, stamp)),
        settle(note.header, seen.header, stamp),
        settle(note.lines, seen.lines, (int(seen.is_complete), *stamp)),
    )


def _stamp_of_note(status: CreditNoteStatus, stamp: Stamp) -> Stamp:
    # Of facts that show it void without a time the earliest wins, as its time stands in; any that says one beats them.
    if status.status == "void" and status.voided_at is None:
        return (_CREDIT_NOTE_RANK["void"], -stamp[0], 0)
    return (_CREDIT_NOTE_RANK[status.status], *stamp)
