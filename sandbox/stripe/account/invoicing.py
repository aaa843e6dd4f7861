"""The invoices of one account and mode, and the transitions Stripe allows. Each transition records its events."""

from collections.abc import Callable, Iterable, Sequence

from sandbox.stripe.account.catalog import Catalog
from sandbox.stripe.records.collection import Collection, Ordered
from sandbox.stripe.records.locking import Lock, alone
from sandbox.stripe.records.records import Invoice, Metadata
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec, line_from_spec
from sandbox.stripe.render.render import Renderer

_PAID = ("invoice.paid", "invoice.payment_succeeded")


class TransitionRefusedError(Exception):
    """Stripe does not allow this transition from the invoice's status."""


class Invoicing(Catalog):
    """A catalog with invoices and their transitions."""

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
        self.invoices: Collection[Invoice] = Collection()
        self.invoices_by_status: dict[str, Ordered[Invoice]] = {}
        self.invoices_by_customer: dict[str, Ordered[Invoice]] = {}

    @alone
    def create_invoice(
        self, customer_id: str, lines: Sequence[LineSpec], spec: InvoiceSpec | None = None, *, at: int | None = None
    ) -> Invoice:
        """Create a draft invoice."""
        invoice = self._draft(customer_id, lines, spec or InvoiceSpec(), self.moment(at))
        self.journal.tell(("invoice.created",), invoice, at=invoice.created)
        return invoice

    @alone
    def create_paid_invoice(
        self, customer_id: str, lines: Sequence[LineSpec], spec: InvoiceSpec | None = None, *, at: int | None = None
    ) -> Invoice:
        """Create an invoice that is finalized and paid in the same request, so that all its events show it as paid."""
        at = self.moment(at)
        invoice = self._draft(customer_id, lines, spec or InvoiceSpec(), at)
        self._open(invoice, at)
        self._settle(invoice, at)
        self.journal.tell(("invoice.created", "invoice.finalized", *_PAID), invoice, at=at)
        return invoice

    @alone
    def finalize_invoice(self, invoice_id: str, *, pay: bool = False, at: int | None = None) -> Invoice:
        """Finalize a draft: number and freeze it. With `pay`, or if nothing is due, it is paid in the same request."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "finalized", "draft")
        before = self.journal.before(invoice)
        self._open(invoice, at)
        settled = pay or invoice.amount_due == 0
        if settled:
            self._settle(invoice, at)
        types = ("invoice.updated", "invoice.finalized", *(_PAID if settled else ()))
        self.journal.tell(types, invoice, at=at, before=before)
        return invoice

    @alone
    def pay_invoice(self, invoice_id: str, *, out_of_band: bool = False, at: int | None = None) -> Invoice:
        """Pay an open or uncollectible invoice."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "paid", "open", "uncollectible")
        before = self.journal.before(invoice)
        invoice.paid_out_of_band = out_of_band
        self._settle(invoice, at)
        types = ("invoice.paid",) if out_of_band else _PAID
        self.journal.tell(("invoice.updated", *types), invoice, at=at, before=before)
        return invoice

    @alone
    def void_invoice(self, invoice_id: str, *, at: int | None = None) -> Invoice:
        """Void an open or uncollectible invoice, which counts as never issued but is kept."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "voided", "open", "uncollectible")
        before = self.journal.before(invoice)
        invoice.voided_at = at
        self._move(invoice, "void")
        self.journal.tell(("invoice.updated", "invoice.voided"), invoice, at=at, before=before)
        return invoice

    @alone
    def mark_uncollectible(self, invoice_id: str, *, at: int | None = None) -> Invoice:
        """Write off an open invoice. It can still be paid or voided."""
        at = self.moment(at)
        invoice = self.invoice_that_may(invoice_id, "marked uncollectible", "open")
        before = self.journal.before(invoice)
        invoice.uncollectible_at = at
        self._move(invoice, "uncollectible")
        self.journal.tell(("invoice.updated", "invoice.marked_uncollectible"), invoice, at=at, before=before)
        return invoice

    @alone
    def delete_invoice(self, invoice_id: str, *, at: int | None = None) -> Invoice:
        """Delete a draft, which can no longer be read."""
        invoice = self.invoice_that_may(invoice_id, "deleted", "draft")
        self.invoices.remove(invoice)
        self.invoices_by_status[invoice.status].remove(invoice)
        self.invoices_by_customer[invoice.customer.id].remove(invoice)
        self.journal.tell(("invoice.deleted",), invoice, at=self.moment(at))
        return invoice

    @alone
    def keep_invoice(self, invoice: Invoice) -> None:
        """Add an invoice without recording an event, for callers that create many."""
        self.invoices.add(invoice)
        self.invoices_by_status.setdefault(invoice.status, Ordered()).add(invoice)
        self.invoices_by_customer.setdefault(invoice.customer.id, Ordered()).add(invoice)

    def _draft(self, customer_id: str, lines: Sequence[LineSpec], spec: InvoiceSpec, at: int) -> Invoice:
        invoice = self.planned(customer_id, lines, spec, at=at)
        self.keep_invoice(invoice)
        return invoice

    def planned(
        self, customer_id: str, lines: Sequence[LineSpec], spec: InvoiceSpec, *, at: int, line_prefix: str = "il"
    ) -> Invoice:
        """Return a new draft without adding it to the invoices."""
        return Invoice(
            id=self.ids.issue("in"),
            created=at,
            sequence=self.ids.issued,
            customer=self.customers[customer_id],
            currency=spec.currency,
            lines=tuple(
                line_from_spec(
                    line,
                    self.ids.issue(line_prefix),
                    self.prices.get(line.price or ""),
                    at=at,
                    mirrored=self._metadata_of(line.subscription),
                )
                for line in lines
            ),
            subscription_id=spec.subscription,
            billing_reason=spec.billing_reason,
            description=spec.description,
            auto_advance=spec.auto_advance,
            metadata=spec.metadata,
            subscription_metadata=self._metadata_of(spec.subscription),
        )

    def _metadata_of(self, subscription_id: str | None) -> Metadata | None:
        subscription = self.subscriptions.get(subscription_id or "")
        return subscription.metadata if subscription else None

    def invoice_that_may(self, invoice_id: str, move: str, *allowed: str) -> Invoice:
        """Return an invoice whose status is one of `allowed`. `move` names the transition in the error.

        :raises TransitionRefusedError: it has another status
        """
        invoice = self.invoices[invoice_id]
        if invoice.status not in allowed:
            message = f"{invoice_id} is {invoice.status} and cannot be {move}"
            raise TransitionRefusedError(message)
        return invoice

    def _open(self, invoice: Invoice, at: int) -> None:
        customer = invoice.customer
        customer.numbered_invoices += 1
        invoice.number = f"{customer.invoice_prefix}-{customer.numbered_invoices:04d}"
        invoice.frozen_name = customer.name
        invoice.finalized_at = at
        self._move(invoice, "open")

    def _settle(self, invoice: Invoice, at: int) -> None:
        invoice.paid_at = at
        self._move(invoice, "paid")

    def _move(self, invoice: Invoice, status: str) -> None:
        self.invoices_by_status[invoice.status].remove(invoice)
        invoice.status = status
        self.invoices_by_status.setdefault(status, Ordered()).add(invoice)
