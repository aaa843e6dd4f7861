"""All records of one account and mode: invoices, credit notes and announcements of invoices."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sandbox.stripe.account.invoicing import Invoicing, TransitionRefusedError
from sandbox.stripe.records.collection import Collection
from sandbox.stripe.records.locking import Lock, alone
from sandbox.stripe.records.records import CreditNote, CreditNoteLine, Invoice
from sandbox.stripe.records.specs import CreditSpec, InvoiceSpec, LineSpec
from sandbox.stripe.records.versions import Shape
from sandbox.stripe.render.render import Renderer


class Ledger(Invoicing):
    """All records of one account in one mode."""

    def __init__(
        self,
        renderer: Renderer,
        *,
        owner: str,
        clock: Callable[[], int],
        versions: Callable[[], Iterable[str]],
        lock: Lock,
    ) -> None:
        super().__init__(renderer, owner=owner, clock=clock, versions=versions, lock=lock)
        self.credit_notes: Collection[CreditNote] = Collection()

    @alone
    def create_credit_note(
        self,
        invoice_id: str,
        amount: int = 0,
        *,
        line_id: str | None = None,
        lines: Sequence[CreditSpec] = (),
        effective_at: int | None = None,
        at: int | None = None,
    ) -> CreditNote:
        """Credit part of an open or paid invoice: one amount, or `lines`. Only the amount due or refunded changes."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "credited", "open", "paid")
        before = self.journal.before(invoice)
        invoice.credit_notes += 1
        note = CreditNote(
            id=self.ids.issue("cn"),
            created=at,
            sequence=self.ids.issued,
            invoice=invoice,
            number=f"{invoice.number}-CN-{invoice.credit_notes:02d}",
            lines=tuple(
                CreditNoteLine(self.ids.issue("cnli"), one.amount, one.line_id, one.discounts, one.taxes)
                for one in lines or (CreditSpec(amount=amount, line_id=line_id),)
            ),
            before_payment=0,
            reason=None,
            effective_at=at if effective_at is None else effective_at,
        )
        note.before_payment = note.amount if invoice.status == "open" else 0
        self._credit(note, 1)
        self.credit_notes.add(note)
        self.journal.tell(("credit_note.created",), note, at=at)
        self.journal.tell(("invoice.updated",), invoice, at=at, before=before)
        return note

    @alone
    def void_credit_note(self, credit_note_id: str, *, at: int | None = None) -> CreditNote:
        """Void a credit note of an open invoice, as Stripe allows: what it took off the amount due comes back.

        :raises TransitionRefusedError: it is void, or lowered no amount due
        """
        at = self.moment(at)
        note = self.credit_notes[credit_note_id]
        if note.status != "issued" or not note.before_payment or note.invoice.status != "open":
            message = f"{credit_note_id} cannot be voided"
            raise TransitionRefusedError(message)
        before, invoice_before = self.journal.before(note), self.journal.before(note.invoice)
        note.status, note.voided_at = "void", at
        self._credit(note, -1)
        self.journal.tell(("credit_note.updated", "credit_note.voided"), note, at=at, before=before)
        self.journal.tell(("invoice.updated",), note.invoice, at=at, before=invoice_before)
        return note

    def _credit(self, note: CreditNote, sign: int) -> None:
        note.invoice.credited_before_payment += sign * note.before_payment
        note.invoice.credited_after_payment += sign * (note.amount - note.before_payment)

    @alone
    def announce_invoice(
        self, customer_id: str, lines: Sequence[LineSpec], spec: InvoiceSpec | None = None, *, at: int | None = None
    ) -> Invoice:
        """Announce an upcoming invoice, as Stripe does days before a renewal. It has no id and is not kept."""
        at = self.moment(at)
        invoice = self.planned(customer_id, lines, spec or InvoiceSpec(), at=at, line_prefix="il_tmp")

        def preview(shape: Shape) -> dict[str, Any]:
            shown = self.renderer.render(invoice, shape)
            del shown["id"]
            return shown

        self.journal.tell_of("invoice.upcoming", preview, at=at)
        return invoice
