"""Invoices, credit notes and their ends as Stripe would tell them of a case of recognition."""

from typing import Any

from projections.recognition.billing import Credit
from tests.support.payloads import credit_note, credit_note_line, event, new_invoice, new_line
from tests.support.recognition import Case


def billed(case: Case, line_id: str = "il_1", *, currency: str = "usd") -> list[dict[str, object]]:
    """Return the events about the invoice of a line such as `il_1`, which is `in_1`, in the order of their days."""
    invoice_id, (line, transitions) = line_id.replace("il", "in"), case.given[:2]
    period = {"start": line.period_start, "end": line.period_end}
    finalized = transitions.finalized.at
    said = {"finalized_at": finalized}
    item = new_line(line_id, amount=line.net_amount, period=period, currency=currency)

    def invoice(status: str, at: int) -> dict[str, object]:
        of_invoice = {"status": status, "currency": currency, "created": finalized, "status_transitions": dict(said)}
        return event(new_invoice(invoice_id, item, **of_invoice), "invoice.updated", created=at)

    events = [(finalized, invoice("open", finalized))]
    for status, name in (("uncollectible", "marked_uncollectible_at"), ("void", "voided_at"), ("paid", "paid_at")):
        moment = getattr(transitions, "voided" if status == "void" else status)
        if moment is not None:
            said[name] = moment.at
            events.append((moment.at, invoice(status, moment.at)))
    for credit in case.credits:
        events += _credited(credit, invoice_id, line_id, currency)
    return [told for _, told in sorted(events, key=lambda one: one[0])]


def _credited(credit: Credit, invoice_id: str, line_id: str, currency: str) -> list[tuple[int, dict[str, object]]]:
    at = credit.effective.at
    lines = [credit_note_line(f"cnli_{credit.credit_id}", credit.amount, line_id)]
    fields: dict[str, Any] = {"invoice": invoice_id, "currency": currency, "effective_at": at, "created": at}
    note = credit_note(f"{credit.credit_id}_{line_id}", *lines, **fields)
    told = [(at, event(note, "credit_note.created", created=at))]
    if credit.voided is not None:
        void = note | {"status": "void", "voided_at": credit.voided.at}
        told.append((credit.voided.at, event(void, "credit_note.voided", created=credit.voided.at)))
    return told
