"""What rules may test of the lines of an invoice, as it stood at a position of the log. Pure."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from events.stripe.observations import Line
from projections.mapping.rule_set import Subject
from projections.revenue.fold import RevenueState
from projections.revenue.state import InvoiceState, Key
from projections.revenue.states_at import NOW, held_at
from projections.revenue.tested.details import detail_at, told_by
from projections.revenue.tested.subjects import (
    Customer,
    Fields,
    Sold,
    fields_of_invoice,
    fields_of_line,
    fields_of_sold,
)


def subjects_at(
    revenue: RevenueState,
    key: Key,
    invoice: InvoiceState,
    finalized_at: int | None,
    zone: ZoneInfo,
    position: int = NOW,
) -> Iterator[tuple[Line, Subject]]:
    """Yield the lines of an invoice, each with what rules may test of it.

    `invoice` is what the table shows of it at the position, `finalized_at` is in Unix seconds. The prices, products and
    customers that it refers to are those of the state at the position: they have to be loaded.
    """
    if invoice.header is None or invoice.lines is None:
        return
    header, livemode = invoice.header.value, key[0]
    told = detail_at(revenue.details.invoice_states, key, position, told_by(invoice))
    customer = customer_at(revenue, (livemode, header.customer_id or ""), position)
    of_invoice = fields_of_invoice(key, header, told, customer, finalized_at, zone)
    of_sold: dict[tuple[str | None, str | None], Fields] = {}
    for line in invoice.lines.value:
        ids = line.price_id, line.product_id
        shared = of_sold.get(ids)
        if shared is None:
            sold = sold_at(revenue, (livemode, line.price_id or ""), (livemode, line.product_id or ""), position)
            shared = of_sold[ids] = of_invoice | fields_of_sold(*ids, sold)
        yield line, fields_of_line(shared, line, header, told, zone)


def customer_at(revenue: RevenueState, key: Key, position: int) -> Customer:
    """Return what is known of a customer at a position."""
    name = held_at(revenue.name_states, revenue.names, position, key)
    said, details = revenue.details.customers.get(key), revenue.details
    now = said.value if said else None
    return Customer(name.register.value if name else None, detail_at(details.customer_states, key, position, now))


def sold_at(revenue: RevenueState, price: Key, product: Key, position: int) -> Sold:
    """Return what is known of a price and a product at a position."""
    details = revenue.details
    named = held_at(revenue.product_states, revenue.products, position, product)
    return Sold(
        held_at(revenue.price_states, revenue.prices, position, price),
        detail_at(details.price_states, price, position, details.prices.get(price)),
        named.register.value if named else None,
        detail_at(details.product_states, product, position, details.products.get(product, ())),
    )
