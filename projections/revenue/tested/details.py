"""Follow what objects say that no table shows and that rules may test, as facts change it. Pure.

It is kept apart from what the table shows: a change of it alone changes no row.
"""

from typing import NamedTuple, TypeVar

from events.stripe.details import CustomerDetails, InvoiceDetails, LineMetadata, Metadata, PriceDetails
from projections.facts.sightings import Sighting
from projections.revenue.register import Register, Stamp, Value, settle
from projections.revenue.state import InvoiceState, Key

Detail = TypeVar("Detail")
# What an object said from a position on, in the order of the log; of the state that was loaded, the position is 0.
DetailStates = dict[Key, list[tuple[int, Detail]]]


class InvoiceTold(NamedTuple):
    """What an invoice and its lines say that no table shows."""

    details: InvoiceDetails | None
    line_metadata: LineMetadata | None


class Details:
    """What prices, products and customers say that no table shows, by (livemode, id), and how it changed since loaded.

    What an invoice says is part of its own state. Of objects that changed, the states are what each said when it was
    loaded, then what it said from each position on.
    """

    def __init__(self) -> None:
        self.prices: dict[Key, PriceDetails | None] = {}
        self.products: dict[Key, Metadata] = {}
        # What customers say of themselves. An invoice names its customer too, but says nothing of this.
        self.customers: dict[Key, Register[CustomerDetails]] = {}
        self.invoice_states: DetailStates[InvoiceTold] = {}
        self.price_states: DetailStates[PriceDetails | None] = {}
        self.product_states: DetailStates[Metadata] = {}
        self.customer_states: DetailStates[CustomerDetails | None] = {}

    def beside(self) -> "Details":
        """Return the same of prices, products and customers, for a state of other invoices."""
        other = Details()
        other.prices, other.products, other.customers = dict(self.prices), dict(self.products), dict(self.customers)
        other.price_states, other.product_states = self.price_states, self.product_states
        other.customer_states = self.customer_states
        return other

    def apply_customer(self, key: Key, said: CustomerDetails, sighting: Sighting) -> bool:
        """Settle what a customer says of itself, and return whether anything that is known changed."""
        before = self.customers.get(key)
        after = settle(before, said, sighting.stamp)
        if after is before:
            return False
        self.customers[key] = after
        note(self.customer_states, key, before.value if before else None, after.value, sighting.change.position)
        return True

    def follow_invoice(self, key: Key, before: InvoiceState, after: InvoiceState, position: int) -> None:
        """Record that a fact at this position changed an invoice."""
        if before.details != after.details or before.line_metadata != after.line_metadata:
            note(self.invoice_states, key, told_by(before), told_by(after), position)


def told_by(invoice: InvoiceState) -> InvoiceTold:
    """Return what an invoice and its lines say that no table shows."""
    return InvoiceTold(invoice.details, invoice.line_metadata)


def note(states: DetailStates[Detail], key: Key, before: Detail, after: Detail, position: int) -> None:
    """Record that a fact at this position may have changed what an object says."""
    if before == after:
        return
    of_object = states.setdefault(key, [(0, before)])
    if of_object[-1][0] == position:
        of_object.pop()  # one fact may change it twice
    of_object.append((position, after))


def detail_at(states: DetailStates[Detail], key: Key, position: int, now: Detail) -> Detail:
    """Return what an object said at a position, given what it says `now`."""
    if key in states:
        for since, detail in reversed(states[key]):
            if since <= position:
                return detail
    return now


def settle_both(
    held: Register[Value] | None, also_held: Detail, value: Value, also: Detail, stamp: Stamp
) -> tuple[Register[Value], Detail]:
    """Settle a value together with what the same fact says beside it: both come from the fact that wins.

    The register is contested if another fact with its stamp differs in either.
    """
    if held is None:
        return Register(value, stamp), also
    if also == also_held or stamp < held.stamp:
        return settle(held, value, stamp), also_held
    both = settle(Register((held.value, also_held), held.stamp, held.is_contested), (value, also), stamp)
    settled, also_settled = both.value
    return Register(held.value if settled == held.value else settled, both.stamp, both.is_contested), also_settled
