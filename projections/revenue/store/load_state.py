"""Load the state that facts may change, and what their lines refer to, for many companies at once. Reads only."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

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
)
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.state import Held, HeldValue, InvoiceState, Key
from projections.revenue.store.books import CustomerBook, PriceBook, ProductBook
from projections.revenue.store.find_states import (
    CUSTOMERS,
    INVOICES,
    PRICES,
    PRODUCTS,
    Found,
    Wanted,
    find_states,
    states_of,
)
from runtime.database import Driver

_INVOICE_STATE = msgspec.json.Decoder(InvoiceState)
_PRICE_STATE = msgspec.json.Decoder(PriceBook)
_PRODUCT_STATE = msgspec.json.Decoder(ProductBook)
_CUSTOMER_STATE = msgspec.json.Decoder(CustomerBook)

# The observations of facts, each with its mode.
_Observed = Iterable[tuple[bool, Iterable[Observation]]]


class _Touched:
    """The invoices that facts may change, and what they refer to: prices, products and customers."""

    def __init__(self) -> None:
        self.states: set[Wanted] = set()

    def note(self, livemode: bool, observation: Observation) -> None:  # noqa: FBT001 - a value
        match observation:
            case InvoiceSeen() | InvoiceLinesSeen() | InvoiceDeleted():
                self.states.add((INVOICES, (livemode, observation.invoice_id)))
                if isinstance(observation, InvoiceSeen):
                    self.note_named(livemode, observation.header.customer_id, observation.lines)
                elif isinstance(observation, InvoiceLinesSeen):
                    self.note_named(livemode, None, observation.lines)
            case CreditNoteSeen() | CreditNoteLinesSeen():
                self.states.add((INVOICES, (livemode, observation.invoice_id)))
            case PriceSeen():
                self.states.add((PRICES, (livemode, observation.price_id)))
            case ProductNamed():
                self.states.add((PRODUCTS, (livemode, observation.product_id)))
            case CustomerNamed() | CustomerSeen():
                self.states.add((CUSTOMERS, (livemode, observation.customer_id)))
            case _:
                pass

    def note_named(self, livemode: bool, customer_id: str | None, lines: Iterable[Line]) -> None:  # noqa: FBT001 - a value
        if customer_id:
            self.states.add((CUSTOMERS, (livemode, customer_id)))
        for price_id, product_id in {(line.price_id, line.product_id) for line in lines}:
            if price_id:
                self.states.add((PRICES, (livemode, price_id)))
            if product_id:
                self.states.add((PRODUCTS, (livemode, product_id)))


def load_state(driver: Driver, observed: Sequence[tuple[BuildState, _Observed]]) -> None:
    """Load into each state what these facts may change, and what the loaded invoices refer to."""
    builds = {build_state.company_id: build_state for build_state, _ in observed if build_state.is_begun}
    touched = {company_id: _Touched() for company_id in builds}
    for build_state, facts in observed:
        if build_state.is_begun:
            for livemode, observations in facts:
                for observation in observations:
                    touched[build_state.company_id].note(livemode, observation)
    _load(driver, builds, {company_id: one.states for company_id, one in touched.items()})


def load_invoices(driver: Driver, wanted: Sequence[tuple[BuildState, Iterable[Key]]]) -> None:
    """Load these invoices into each state, and what they refer to and the state does not know yet."""
    builds = {build_state.company_id: build_state for build_state, _ in wanted}
    _load(driver, builds, {at.company_id: {(INVOICES, key) for key in keys} for at, keys in wanted})


def load_referred(driver: Driver, at: BuildState, wanted: Iterable[Wanted]) -> None:
    """Load these prices, products and customers into a state."""
    _keep({at.company_id: at}, find_states(driver, [(at, wanted)]))


def _load(driver: Driver, builds: Mapping[int, BuildState], asked: Mapping[int, set[Wanted]]) -> None:
    _keep(builds, find_states(driver, [(builds[at], wanted) for at, wanted in asked.items()]))
    referred: list[tuple[BuildState, set[Wanted]]] = []
    for company_id, wanted in asked.items():
        # Rows of the invoices are derived again, with prices and names that may come from much earlier facts.
        revenue, one = builds[company_id].revenue, _Touched()
        for key, held in revenue.invoices.items():
            header, lines = held.invoice.header, held.invoice.lines
            one.note_named(key[0], header.value.customer_id if header else None, lines.value if lines else ())
        referred.append((builds[company_id], one.states - wanted - _known(revenue)))
    _keep(builds, find_states(driver, referred))


def _known(revenue: RevenueState) -> set[Wanted]:
    """Return the prices, products and customers that a state has, as they were stored or as facts changed them."""
    customers = revenue.names.keys() | revenue.details.customers.keys()
    held: dict[str, Iterable[Key]] = {PRICES: revenue.prices, PRODUCTS: revenue.products, CUSTOMERS: customers}
    return {(table, key) for table, keys in held.items() for key in keys}


def _keep(builds: Mapping[int, BuildState], found: Found) -> None:
    for table, company_id, key, stored, change in states_of(found):
        revenue = builds[company_id].revenue
        revenue.shown.add((table, key))
        if stored is None:
            continue
        if table == INVOICES:
            revenue.invoices[key] = Held(_INVOICE_STATE.decode(stored), change)
        elif table == PRICES:
            price = _PRICE_STATE.decode(stored)
            revenue.prices[key], revenue.details.prices[key] = HeldValue(price.register, change), price.details
        elif table == PRODUCTS:
            product = _PRODUCT_STATE.decode(stored)
            revenue.products[key], revenue.details.products[key] = HeldValue(product.register, change), product.metadata
        else:
            customer = _CUSTOMER_STATE.decode(stored)
            if customer.is_named:
                revenue.names[key] = HeldValue(customer.register, change)
            if customer.details:
                revenue.details.customers[key] = customer.details
