"""Load the state that facts may change, and what their lines refer to, for many companies at once. Reads only."""

from collections.abc import Iterable, Sequence

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
from projections.revenue.build_state import BuildState
from projections.revenue.register import Register
from projections.revenue.state import Held, HeldValue, InvoiceState, Key, PricedAs
from projections.revenue.store.bulk import read_stored
from projections.revenue.store.tables import revenue_customer, revenue_invoice, revenue_price

_INVOICE_STATE = msgspec.json.Decoder(InvoiceState)
_PRICE_STATE = msgspec.json.Decoder(Register[PricedAs])
_NAME_STATE = msgspec.json.Decoder(Register[str])

# The observations of facts, each with its mode.
_Observed = Iterable[tuple[bool, Iterable[Observation]]]


class _Touched:
    """Keys of the invoices, prices and customers that facts may change or that their lines refer to."""

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


def load_state(connection: Connection, observed: Sequence[tuple[BuildState, _Observed]]) -> None:
    """Load into each state what these facts may change, and the prices and customers of the loaded invoices."""
    touched: list[tuple[BuildState, _Touched]] = []
    for build_state, facts in observed:
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
        # Rows of the invoice are derived again, with prices and a name that may come from much earlier facts.
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
