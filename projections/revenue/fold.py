"""Fold facts into the state of the revenue mapping table: what is known of invoices, prices and customers. Pure.

The same facts give the same state in any order and with any repetition. Stripe freezes lines and header when it
finalizes an invoice, so the newest sighting of them wins; a whole line set beats any part of one; a status only climbs.
"""

from collections.abc import Iterable

from events.stripe.observations import (
    CustomerNamed,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Observation,
    PriceSeen,
    Unreadable,
)
from events.stripe.price import FROM_PRICE
from projections.facts.sightings import Change, Sighting
from projections.revenue.register import Stamp, Value, settle
from projections.revenue.state import Held, HeldValue, InvoiceState, Key, PricedAs, Quarantined

NAME = "revenue_lines"

_NOTHING = InvoiceState()
STATUS_RANK = {"open": 0, "uncollectible": 1, "paid": 2, "void": 2}


class RevenueState:
    """The state of the fold for one company, by (livemode, id).

    For the writer it records which keys were touched, and all states of an invoice, price or name since it was loaded:
    first the loaded one, None if there was none, then each that shows something else than the one before it.
    """

    def __init__(self) -> None:
        self.invoices: dict[Key, Held] = {}
        self.prices: dict[Key, HeldValue[PricedAs]] = {}
        self.names: dict[Key, HeldValue[str]] = {}
        self.quarantined: list[Quarantined] = []
        self.touched_invoices: set[Key] = set()
        self.touched_prices: set[Key] = set()
        self.touched_names: set[Key] = set()
        self.invoice_states: dict[Key, list[Held | None]] = {}
        self.price_states: dict[Key, list[HeldValue[PricedAs] | None]] = {}
        self.name_states: dict[Key, list[HeldValue[str] | None]] = {}

    @property
    def has_gaps(self) -> bool:
        """Return whether an invoice or a name that facts touched is incomplete or contested, and shown."""
        return any(any(self.invoices[key].invoice.gaps) for key in self.touched_invoices) or any(
            self.names[key].register.is_contested for key in self.touched_names
        )

    def apply(self, sighting: Sighting, entity: str | None, observations: Iterable[Observation]) -> None:
        """Apply the observations of one fact."""
        for observation in observations:
            match observation:
                case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                    self._apply_to_invoice(sighting, observation)
                case PriceSeen():
                    self._apply_price(sighting, observation)
                case CustomerNamed():
                    self._apply_name(sighting, observation)
                case Unreadable():
                    self.quarantined.append(Quarantined(sighting, entity, observation.reason))

    def _apply_to_invoice(self, sighting: Sighting, seen: InvoiceSeen | InvoiceLinesSeen | InvoiceDeleted) -> None:
        key = (sighting.livemode, seen.invoice_id)
        held = self.invoices.get(key)
        before = held.invoice if held else _NOTHING
        after = _invoice_after(before, seen, sighting.stamp)
        if held is None or not before.shows_the_same_as(after):
            self.invoices[key] = now = Held(after, sighting.change)
            self.invoice_states.setdefault(key, [held]).append(now)
        else:
            self.invoices[key] = Held(after, held.change)
        self.touched_invoices.add(key)

    def _apply_price(self, sighting: Sighting, seen: PriceSeen) -> None:
        stamp = (int(seen.source == FROM_PRICE), *sighting.stamp)
        key = (sighting.livemode, seen.price_id)
        before = self.prices.get(key)
        after = _settled(before, PricedAs(seen.recurrence, seen.source), stamp, sighting.change)
        if after is not before:
            self.prices[key] = after
            self.touched_prices.add(key)
            _follow(self.price_states, key, before, after)

    def _apply_name(self, sighting: Sighting, seen: CustomerNamed) -> None:
        # Within one second, the customer itself is a better source of its name than an invoice.
        stamp = (*sighting.stamp, 1) if seen.named_at is None else (seen.named_at, 0, 0)
        key = (sighting.livemode, seen.customer_id)
        before = self.names.get(key)
        after = _settled(before, seen.name, stamp, sighting.change)
        if after is not before:
            self.names[key] = after
            self.touched_names.add(key)
            _follow(self.name_states, key, before, after)


def _invoice_after(
    invoice: InvoiceState, seen: InvoiceSeen | InvoiceLinesSeen | InvoiceDeleted, stamp: Stamp
) -> InvoiceState:
    match seen:
        case InvoiceDeleted():
            return InvoiceState(invoice.status, invoice.header, invoice.lines, is_deleted=True)
        case InvoiceLinesSeen():
            return InvoiceState(
                invoice.status, invoice.header, settle(invoice.lines, seen.lines, (1, *stamp)), invoice.is_deleted
            )
        case InvoiceSeen():
            return InvoiceState(
                settle(invoice.status, seen.status, (STATUS_RANK[seen.status], *stamp)),
                settle(invoice.header, seen.header, stamp),
                settle(invoice.lines, seen.lines, (int(seen.is_complete), *stamp)),
                invoice.is_deleted,
            )


def _settled(before: HeldValue[Value] | None, value: Value, stamp: Stamp, change: Change) -> HeldValue[Value]:
    after = settle(before.register if before else None, value, stamp)
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
        states[key][-1] = after  # one fact changed the value twice
