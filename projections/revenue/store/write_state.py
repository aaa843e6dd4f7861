"""Write the state of invoices, prices, products and customers to its tables, for many companies at once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from projections.facts.sightings import Change
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState, is_gap
from projections.revenue.state import Key
from projections.revenue.store.books import stored_customer, stored_invoice, stored_price, stored_product
from projections.revenue.store.bulk import Record, insert, replace
from projections.revenue.store.tables import (
    revenue_customer,
    revenue_invoice,
    revenue_price,
    revenue_product,
    revenue_quarantine,
)
from runtime.database import Driver

_NEVER = Change(0, datetime.fromtimestamp(0, UTC))


def write_state(driver: Driver, build_states: Sequence[BuildState]) -> None:
    """Write the states that facts changed, and the facts that could not be read. Commits nothing."""
    begun = [(build_state, build_state.revenue) for build_state in build_states if build_state.is_begun]
    invoices = [
        (build_state, _stored(revenue.touched_invoices, revenue.invoice_states)) for build_state, revenue in begun
    ]
    prices = [(build_state, _stored(revenue.touched_prices, revenue.price_states)) for build_state, revenue in begun]
    customers = [(build_state, _stored_customers(revenue)) for build_state, revenue in begun]
    # A product that lines refer to for the first time has no state here, and deleting none does no harm.
    products = [
        (build_state, _stored(revenue.touched_products, revenue.product_states)) for build_state, revenue in begun
    ]
    replace(driver, revenue_invoice, invoices, chain.from_iterable(map(_invoice_records, build_states)))
    replace(driver, revenue_price, prices, chain.from_iterable(map(_price_records, build_states)))
    replace(driver, revenue_product, products, chain.from_iterable(map(_product_records, build_states)))
    replace(driver, revenue_customer, customers, chain.from_iterable(map(_customer_records, build_states)))
    insert(driver, revenue_quarantine, chain.from_iterable(map(_quarantine_records, build_states)))


def _stored(touched: set[Key], states: Mapping[Key, Sequence[object]]) -> list[Key]:
    # Keys that are already in the table: the first state of a new key is None.
    return sorted(key for key in touched if states.get(key, (True,))[0] is not None)


def _stored_customers(revenue: RevenueState) -> list[Key]:
    # A customer may be in the table with either, its name or its details.
    named = _stored(revenue.touched_names & revenue.names.keys(), revenue.name_states)
    told = revenue.touched_names & revenue.details.customers.keys()
    states = revenue.details.customer_states
    return sorted({*named, *(key for key in told if states.get(key, ((0, True),))[0][1] is not None)})


def _invoice_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_invoices):
        held = revenue.invoices[key]
        invoice = held.invoice
        seen_at = invoice.header.stamp[0] if invoice.header else 0
        yield (company_id, build, *key, stored_invoice(invoice), *held.change, seen_at, *invoice.gaps)


def _price_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_prices):
        held = revenue.prices[key]
        register = held.register
        stored = stored_price(register, revenue.details.prices.get(key))
        yield (company_id, build, *key, stored, *held.change, register.is_contested)


def _product_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_products):
        held = revenue.products[key]
        stored = stored_product(held.register, revenue.details.products.get(key, ()))
        yield (company_id, build, *key, stored, *held.change, is_gap(held.register))


def _customer_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for key in sorted(revenue.touched_names):
        name = revenue.names.get(key)
        # What the table shows of a customer without a name never changed.
        change = name.change if name else _NEVER
        stored = stored_customer(name.register if name else None, revenue.details.customers.get(key))
        yield (company_id, build, *key, stored, *change, revenue.is_contested_customer(key))


def _quarantine_records(build_state: BuildState) -> Iterator[Record]:
    company_id, build, _, revenue = build_state
    for at, entity, reason in revenue.quarantined:
        yield (company_id, build, at.change.position, at.livemode, entity, reason, at.seen_at, at.change.recorded_at)
