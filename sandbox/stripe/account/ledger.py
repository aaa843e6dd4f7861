"""All records of one account and mode: invoices, credit notes and announcements of invoices."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sandbox.stripe.account.invoicing import Invoicing
from sandbox.stripe.records.collection import Collection
from sandbox.stripe.records.locking import Lock, alone
from sandbox.stripe.records.records import CreditNote, Invoice
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec
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
        self, invoice_id: str, amount: int, *, line_id: str | None = None, at: int | None = None
    ) -> CreditNote:
        """Credit part of an open or paid invoice. Lines and total stay; only the amount due or refunded changes."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "credited", "open", "paid")
        before = self.journal.before(invoice)
        invoice.credit_notes += 1
        open_still = invoice.status == "open"
        note = CreditNote(
            id=self.ids.issue("cn"),
            created=at,
            sequence=self.ids.issued,
            invoice=invoice,
            number=f"{invoice.number}-CN-{invoice.credit_notes:02d}",
            amount=amount,
            before_payment=amount if open_still else 0,
            line_id=line_id,
            reason=None,
        )
        invoice.credited_before_payment += note.before_payment
        invoice.credited_after_payment += amount - note.before_payment
        self.credit_notes.add(note)
        self.journal.tell(("credit_note.created",), note, at=at)
        self.journal.tell(("invoice.updated",), invoice, at=at, before=before)
        return note

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
