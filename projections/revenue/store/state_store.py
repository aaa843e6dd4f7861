"""Load the parts of the state that some facts touch; write back what they changed. Many companies in one go.

Commits nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec
from sqlalchemy import Connection

from events.stripe.observations import (
    CustomerNamed,
    InvoiceDeleted,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
)
from projections.revenue.register import Register
from projections.revenue.state import Held, HeldValue, InvoiceState, Key, PricedAs
from projections.revenue.store.bulk import BuildState, Record, copy_in, read_stored, remove
from projections.revenue.store.tables import revenue_customer, revenue_invoice, revenue_price, revenue_quarantine

_INVOICE_STATE = msgspec.json.Decoder(InvoiceState)
_PRICE_STATE = msgspec.json.Decoder(Register[PricedAs])
_NAME_STATE = msgspec.json.Decoder(Register[str])
_ENCODER = msgspec.json.Encoder()

# What facts tell: each with its mode.
Told = Iterable[tuple[bool, Iterable[Observation]]]


class _Touched:
    """Which parts of the state facts may change, and which others their lines name."""

    def __init__(self) -> None:
        self.invoices: set[Key] = set()
        self.prices: set[Key] = set()
        self.names: set[Key] = set()

    def note(self, livemode: bool, observation: Observation) -> None:  # noqa: FBT001 - a value
        match observation:
            case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                self.invoices.add((livemode, observation.invoice_id))
                if isinstance(observation, InvoiceSeen):
                    self.note_named(livemode, observation.header.customer_id, observation.lines)
                elif isinstance(observation, InvoiceLinesSeen):
                    self.note_named(livemode, None, observation.lines)
            case PriceSeen():
                self.prices.add((livemode, observation.price_id))
            case CustomerNamed():
                self.names.add((livemode, observation.customer_id))
            case _:
                pass

    def note_named(self, livemode: bool, customer_id: str | None, lines: Iterable[Line]) -> None:  # noqa: FBT001 - a value
        if customer_id:
            self.names.add((livemode, customer_id))
        for price_id in {line.price_id for line in lines}:
            if price_id:
                self.prices.add((livemode, price_id))


def load_touched(connection: Connection, told: Sequence[tuple[BuildState, Told]]) -> None:
    """Load everything that these facts may change, and with what the lines they had name."""
    touched: list[tuple[BuildState, _Touched]] = []
    for build_state, facts in told:
        if build_state.is_begun:
            touched.append((build_state, _Touched()))
            for livemode, observations in facts:
                for observation in observations:
                    touched[-1][1].note(livemode, observation)
    by_company = {build_state.company_id: one for build_state, one in touched}
    for build_state, key, stored, change in read_stored(
        connection, revenue_invoice, [(at, one.invoices) for at, one in touched]
    ):
        build_state.revenue.invoices[key] = held = Held(_INVOICE_STATE.decode(stored), change)
        # A fact about an invoice can bring rows back to mind whose prices and customer facts long ago told of.
        header, lines = held.invoice.header, held.invoice.lines
        customer_id = header.value.customer_id if header else None
        by_company[build_state.company_id].note_named(key[0], customer_id, lines.value if lines else ())
    for build_state, key, stored, change in read_stored(
        connection, revenue_price, [(at, one.prices) for at, one in touched]
    ):
        build_state.revenue.prices[key] = HeldValue(_PRICE_STATE.decode(stored), change)
    for build_state, key, stored, change in read_stored(
        connection, revenue_customer, [(at, one.names) for at, one in touched]
    ):
        build_state.revenue.names[key] = HeldValue(_NAME_STATE.decode(stored), change)


def save_touched(connection: Connection, build_states: Sequence[BuildState]) -> None:
    """Write back what was touched of the revenue, and what could not be read."""
    begun = [(build_state, build_state.revenue) for build_state in build_states if build_state.is_begun]
    invoices = [
        (build_state, _stored(revenue.touched_invoices, revenue.invoice_states)) for build_state, revenue in begun
    ]
    prices = [(build_state, _stored(revenue.touched_prices, revenue.price_states)) for build_state, revenue in begun]
    names = [(build_state, _stored(revenue.touched_names, revenue.name_states)) for build_state, revenue in begun]
    for table, places in ((revenue_invoice, invoices), (revenue_price, prices), (revenue_customer, names)):
        remove(connection, table, places)
    copy_in(connection, revenue_invoice, chain.from_iterable(map(_invoice_records, build_states)))
    copy_in(connection, revenue_price, chain.from_iterable(map(_price_records, build_states)))
    copy_in(connection, revenue_customer, chain.from_iterable(map(_name_records, build_states)))
    copy_in(connection, revenue_quarantine, chain.from_iterable(map(_quarantine_records, build_states)))


def _stored(touched: set[Key], states: Mapping[Key, Sequence[object]]) -> list[Key]:
    # What stood in the table before: there is nothing before the first state of what is new.
    return sorted(key for key in touched if states.get(key, (True,))[0] is not None)


def _invoice_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_invoices):
        held = revenue.invoices[key]
        invoice = held.invoice
        seen_at = invoice.header.stamp[0] if invoice.header else 0
        is_shown = invoice.header is not None and not invoice.is_deleted
        gaps = (is_shown and not invoice.is_complete, is_shown and invoice.is_contested)
        yield (company_id, build, *key, _ENCODER.encode(invoice), *held.change, seen_at, *gaps)


def _price_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_prices):
        held = revenue.prices[key]
        yield (company_id, build, *key, _ENCODER.encode(held.register), *held.change)


def _name_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_names):
        held = revenue.names[key]
        register = held.register
        yield (company_id, build, *key, _ENCODER.encode(register), *held.change, register.is_contested)


def _quarantine_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for at, entity, reason in revenue.quarantined:
        yield (company_id, build, at.change.position, at.livemode, entity, reason, at.seen_at, at.change.recorded_at)
