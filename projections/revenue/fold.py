"""Fold facts into the state of the revenue mapping table: what is known of invoices and what they refer to. Pure.

The same facts give the same state in any order and with any repetition. Stripe freezes lines and header when it
finalizes an invoice, so the newest sighting of them wins; a whole line set beats any part of one; a status only climbs.
"""

from collections.abc import Iterable

from events.stripe.observations import (
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CustomerNamed,
    CustomerSeen,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
    ProductNamed,
    Unreadable,
)
from events.stripe.price import FROM_PRICE
from projections.facts.sightings import Change, Sighting
from projections.mapping.decisions.book import EMPTY, Book
from projections.recognition.outcome import Shares
from projections.revenue.invoice_after import AboutInvoice, invoice_after
from projections.revenue.register import Register, Value, settle
from projections.revenue.state import (
    Held,
    HeldValue,
    InvoiceState,
    Key,
    Name,
    PricedAs,
    Quarantined,
)
from projections.revenue.tested.details import Details, note, settle_both

NAME = "revenue_lines"

_NOTHING = InvoiceState()
# Any fact that names the product has a greater stamp.
_UNNAMED: Register[Name] = Register(None, ())


class RevenueState:
    """The state of the fold for one company, by (livemode, id).

    For the writer it records which keys were touched, and all states of an invoice, price or name (of a customer or a
    product) since it was loaded: first the loaded one, None if there was none, then each that shows something else than
    the one before it. What no table shows is in `details`, with states of its own.
    """

    def __init__(self) -> None:
        self.invoices: dict[Key, Held] = {}
        self.prices: dict[Key, HeldValue[PricedAs]] = {}
        self.names: dict[Key, HeldValue[Name]] = {}
        self.products: dict[Key, HeldValue[Name]] = {}
        self.quarantined: list[Quarantined] = []
        # The ids of the credit notes that facts touched, by the keys of their invoices.
        self.touched_notes: dict[Key, set[str]] = {}
        self.touched_invoices: set[Key] = set()
        self.touched_prices: set[Key] = set()
        self.touched_names: set[Key] = set()
        self.touched_products: set[Key] = set()
        self.invoice_states: dict[Key, list[Held | None]] = {}
        self.price_states: dict[Key, list[HeldValue[PricedAs] | None]] = {}
        self.name_states: dict[Key, list[HeldValue[Name] | None]] = {}
        self.product_states: dict[Key, list[HeldValue[Name] | None]] = {}
        self.details = Details()
        # What was in the tables before: tables of states, with the keys of what they have, or what lines have.
        self.shown: set[tuple[str, Key]] = set()
        # What maps the lines: the book, and the outcomes that people chose for lines of these invoices.
        self.book: Book = EMPTY
        self.line_overrides: dict[Key, dict[str, Shares]] = {}

    def beside(self) -> "RevenueState":
        """Return a state for other invoices, which knows the same prices, products and names, and how they changed."""
        other = RevenueState()
        other.prices, other.names, other.products = dict(self.prices), dict(self.names), dict(self.products)
        other.price_states, other.name_states = self.price_states, self.name_states
        other.product_states, other.book = self.product_states, self.book
        other.details = self.details.beside()
        return other

    @property
    def has_gaps(self) -> bool:
        """Return whether something that facts touched is incomplete, unknown or contested, and shown."""
        return (
            any(has_gap(self.invoices[key].invoice) for key in self.touched_invoices)
            or any(self.is_contested_customer(key) for key in self.touched_names)
            or any(self.prices[key].register.is_contested for key in self.touched_prices)
            or any(is_gap(self.products[key].register) for key in self.touched_products)
        )

    def is_contested_customer(self, key: Key) -> bool:
        """Return whether two facts of a second disagree about a customer, so that Stripe should be asked."""
        name, said = self.names.get(key), self.details.customers.get(key)
        return bool((name and name.register.is_contested) or (said and said.is_contested))

    def apply(self, sighting: Sighting, entity: str | None, observations: Iterable[Observation]) -> None:
        """Apply the observations of one fact."""
        for observation in observations:
            match observation:
                case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted() | CreditNoteSeen() | CreditNoteLinesSeen():
                    self._apply_to_invoice(sighting, observation)
                case PriceSeen():
                    self._apply_price(sighting, observation)
                case ProductNamed():
                    self._apply_product(sighting, observation)
                case CustomerNamed():
                    self._apply_name(sighting, observation)
                case CustomerSeen():
                    self._apply_customer(sighting, observation)
                case Unreadable():
                    self.quarantined.append(Quarantined(sighting, entity, observation.reason))

    def _apply_to_invoice(self, sighting: Sighting, seen: AboutInvoice) -> None:
        key = (sighting.livemode, seen.invoice_id)
        held = self.invoices.get(key)
        before = held.invoice if held else _NOTHING
        after = invoice_after(before, seen, sighting.stamp)
        if held is None or not before.shows_the_same_as(after):
            self.invoices[key] = now = Held(after, sighting.change)
            self.invoice_states.setdefault(key, [held]).append(now)
        else:
            self.invoices[key] = Held(after, held.change)
        self.details.follow_invoice(key, before, after, sighting.change.position)
        self.touched_invoices.add(key)
        if isinstance(seen, CreditNoteSeen | CreditNoteLinesSeen):
            self.touched_notes.setdefault(key, set()).add(seen.note_id)
        if after.lines and (before.lines is None or after.lines.value is not before.lines.value):
            self._refer_to_products(sighting, after.lines.value)

    def _apply_price(self, sighting: Sighting, seen: PriceSeen) -> None:
        stamp = (int(seen.source == FROM_PRICE), *sighting.stamp)
        key = (sighting.livemode, seen.price_id)
        before = self.prices.get(key)
        priced, told = PricedAs(seen.recurrence, seen.source, seen.name), self.details.prices.get(key)
        register, details = settle_both(before.register if before else None, told, priced, seen.details, stamp)
        after = _held(before, register, sighting.change)
        if after is not before:
            self.prices[key] = after
            self.details.prices[key] = details
            note(self.details.price_states, key, told, details, sighting.change.position)
            self.touched_prices.add(key)
            _follow(self.price_states, key, before, after)

    def _refer_to_products(self, sighting: Sighting, lines: Iterable[Line]) -> None:
        # A product that nothing has named yet is kept without a name, so that it is found and fetched.
        for product_id in {line.product_id for line in lines if line.product_id}:
            key = (sighting.livemode, product_id)
            if key not in self.products:
                self.products[key] = HeldValue(_UNNAMED, sighting.change)
                self.touched_products.add(key)

    def _apply_product(self, sighting: Sighting, seen: ProductNamed) -> None:
        key = (sighting.livemode, seen.product_id)
        before = self.products.get(key)
        stamp, told = sighting.stamp, self.details.products.get(key, ())
        register, metadata = settle_both(before.register if before else None, told, seen.name, seen.metadata, stamp)
        after = _held(before, register, sighting.change)
        if after is not before:
            self.products[key] = after
            self.details.products[key] = metadata
            note(self.details.product_states, key, told, metadata, sighting.change.position)
            self.touched_products.add(key)
            _follow(self.product_states, key, before, after)

    def _apply_name(self, sighting: Sighting, seen: CustomerNamed) -> None:
        # Within one second, the customer itself is a better source of its name than an invoice.
        stamp = (*sighting.stamp, 1) if seen.named_at is None else (seen.named_at, 0, 0)
        key = (sighting.livemode, seen.customer_id)
        before = self.names.get(key)
        after = _held(before, settle(before.register if before else None, seen.name, stamp), sighting.change)
        if after is not before:
            self.names[key] = after
            self.touched_names.add(key)
            _follow(self.name_states, key, before, after)

    def _apply_customer(self, sighting: Sighting, seen: CustomerSeen) -> None:
        key = (sighting.livemode, seen.customer_id)
        if self.details.apply_customer(key, seen.details, sighting):
            self.touched_names.add(key)


def is_gap(product: Register[Name]) -> bool:
    """Return whether Stripe should be asked for a product: its name is unknown, or two facts of a second disagree."""
    return product.value is None or product.is_contested


def has_gap(invoice: InvoiceState) -> bool:
    """Return whether Stripe should be asked for an invoice, its lines or one of its credit notes."""
    return any(invoice.gaps) or any(note.is_gap for note in invoice.credit_notes.values())


def _held(before: HeldValue[Value] | None, after: Register[Value], change: Change) -> HeldValue[Value]:
    if before is None:
        return HeldValue(after, change)
    if after is before.register:
        return before
    return HeldValue(after, change if after.value != before.register.value else before.change)


def _follow(
    states: dict[Key, list[HeldValue[Value] | None]], key: Key, before: HeldValue[Value] | None, after: HeldValue[Value]
) -> None:
    if before is None or after.change != before.change:
        states.setdefault(key, [before]).append(after)
    elif after.register.value != before.register.value:
        # One fact changed the value twice, or named the product that it refers to.
        states[key] = [*states.get(key, [before, None])[:-1], after]
