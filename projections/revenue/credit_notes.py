"""Derive the rows of credit notes, and every version of them that facts made. Pure.

A row names the event that last changed it, as a row of the table of lines does.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from events.stripe.money import exponent_of
from events.stripe.observations import CreditNoteLine
from projections.facts.sightings import Change
from projections.revenue.credits import Applied, applied_credits
from projections.revenue.state import CreditNoteState, Held, InvoiceState, Key

_NOTHING_APPLIED = Applied({}, 0)
_ENCODER = msgspec.json.Encoder()


class CreditNoteRow(NamedTuple):
    """What is shown of a credit note. `lines` is JSON: what it takes from each invoice line, by the line's id."""

    livemode: bool
    credit_note_id: str
    invoice_id: str
    number: str | None
    status: str
    effective_on: date
    voided_on: date | None
    currency: str
    currency_exponent: int
    amount: int
    net_amount: int
    unapplied_amount: int
    lines: str
    is_complete: bool
    is_invoice_known: bool
    # What the proof of a sync compares with what Stripe showed.
    line_count: int
    lines_digest: str


class CreditNoteVersion(NamedTuple):
    """A row that stands, or stood until just before `until`. One that was stored before has no `change` here."""

    row: CreditNoteRow
    change: Change | None
    until: int | None


def rows_of(key: Key, invoice: InvoiceState) -> dict[str, CreditNoteRow]:
    """Return the rows of an invoice's credit notes, by their ids. One of which only the lines are known has none."""
    if not invoice.credit_notes:
        return {}
    applied, is_known = applied_credits(invoice), invoice.header is not None and not invoice.is_deleted
    rows = {}
    for note_id, note in invoice.credit_notes.items():
        row = _row(key, note_id, note, applied.get(note_id), is_known=is_known)
        if row:
            rows[note_id] = row
    return rows


def versions_of(key: Key, states: Iterable[Held | None]) -> Iterator[CreditNoteVersion]:
    """Yield the versions of the rows of an invoice's credit notes, given all states of the invoice in order."""
    before, *later = states
    standing = {
        note_id: CreditNoteVersion(row, None, None)
        for note_id, row in (rows_of(key, before.invoice) if before else {}).items()
    }
    for state in later:
        if state is None:
            continue
        for note_id, row in rows_of(key, state.invoice).items():
            held = standing.get(note_id)
            if held is None or held.row != row:
                if held and held.change != state.change:
                    yield held._replace(until=state.change.position)
                standing[note_id] = CreditNoteVersion(row, state.change, None)
    yield from standing.values()


def digest_of(lines: Iterable[CreditNoteLine]) -> str:
    """Return a digest of a credit note's lines: their ids, the invoice lines they name, and what they take."""
    parts = (f"{one.line_id}:{one.invoice_line_id or ''}:{one.amount}" for one in lines)
    return hashlib.md5(",".join(parts).encode(), usedforsecurity=False).hexdigest()


def _row(
    key: Key, note_id: str, note: CreditNoteState, applied: Applied | None, *, is_known: bool
) -> CreditNoteRow | None:
    if note.status is None or note.header is None or note.lines is None:
        return None
    status, header, lines = note.status.value, note.header.value, note.lines.value
    net_amount = sum(line.amount for line in lines)
    if applied is None:  # it takes nothing: it is void, or not all of its lines are known yet
        applied = _NOTHING_APPLIED if status.status == "void" else Applied({}, net_amount)
    return CreditNoteRow(
        livemode=key[0],
        credit_note_id=note_id,
        invoice_id=key[1],
        number=header.number,
        status=status.status,
        effective_on=_day_of(header.effective_at),
        voided_on=None if status.voided_at is None else _day_of(status.voided_at),
        currency=header.currency,
        currency_exponent=exponent_of(header.currency),
        amount=header.amount,
        net_amount=net_amount,
        unapplied_amount=applied.unapplied,
        lines=_ENCODER.encode(applied.lines).decode(),
        is_complete=note.is_complete,
        is_invoice_known=is_known,
        line_count=len(lines),
        lines_digest=digest_of(lines),
    )


def _day_of(unix_seconds: int) -> date:
    return datetime.fromtimestamp(unix_seconds, UTC).date()
