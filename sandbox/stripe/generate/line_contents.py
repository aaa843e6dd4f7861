"""Contents of generated invoices without discounts and taxes: periods, one-time lines, odd descriptions, many lines."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.stripe.generate.world import World
from sandbox.stripe.records.cadence import Every, in_words, money, period_end
from sandbox.stripe.records.records import Customer, Price
from sandbox.stripe.records.specs import InvoiceSpec, LineSpec

_DAY = 86_400
_HOSTILE = (
    "=1+1",
    "+1 seat",
    "-10 % off, see terms",
    "@SUM(A1)",
    "<img src=x onerror=alert(1)>",
    'a "b",\nc\t;',
    "\u202egnp",
)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an invoice: its customer, lines and other fields."""

    customer: Customer
    lines: list[LineSpec]
    spec: InvoiceSpec


Filling = Callable[[World], Content]


def _subscription_line(world: World, customer: Customer, price: Price, quantity: int) -> LineSpec:
    every: Every = (price.interval_count, price.interval or "month")
    at = f"at {money(price.unit_amount, price.currency)} / {in_words(every)}"
    return LineSpec(
        amount=price.unit_amount * quantity,
        description=f"{quantity} × {price.product.name} ({at})",
        period=(world.now, period_end(world.now, every)),
        quantity=str(quantity),
        price=price.id,
        subscription=world.subscription(customer, price),
        from_subscription=True,
    )


def recurring(every: Every) -> Filling:
    """Return a function that fills an invoice with one period of a subscription."""

    def fill(world: World) -> Content:
        customer, currency = world.customer(), world.currency()
        line = _subscription_line(world, customer, world.prices[currency, every], world.random.randint(1, 9))
        spec = InvoiceSpec(
            currency=currency, subscription=line.subscription, billing_reason="subscription_cycle", auto_advance=True
        )
        return Content(customer, [line], spec)

    return fill


def monthly(world: World) -> Content:
    """Fill an invoice with the most common content, a monthly subscription."""
    return recurring((1, "month"))(world)


def one_time(world: World) -> Content:
    """Fill an invoice with a one-time price and an amount without a price."""
    customer, currency = world.customer(), world.currency()
    price = world.prices[currency, None]
    priced = LineSpec(amount=price.unit_amount, description=price.product.name, price=price.id)
    hours = world.random.randint(1, 20)
    # Sellers may set the period of an ad-hoc line; otherwise it is the time of the line's creation.
    days = (world.now - 30 * _DAY, world.now) if hours % 2 else None
    free = LineSpec(
        amount=hours * 1_000, description=f"Consulting, {hours} h", period=days, metadata={"project": f"P-{hours}"}
    )
    return Content(customer, [priced, free], InvoiceSpec(currency=currency, metadata={"channel": "services"}))


def nameless(world: World) -> Content:
    """Fill an invoice with lines that have neither a description nor a quantity."""
    content = one_time(world)
    return replace(content, lines=[replace(line, description=None, quantity=None) for line in content.lines])


def hostile(world: World) -> Content:
    """Fill an invoice with descriptions that a spreadsheet or a browser would execute."""
    content = one_time(world)
    return replace(content, lines=[replace(content.lines[-1], description=text) for text in _HOSTILE])


def mixed(world: World) -> Content:
    """Fill a subscription's invoice with one-time lines too: one that names the subscription, and one that does not."""
    content = monthly(world)
    setup = world.prices[content.spec.currency, None]
    own = LineSpec(
        amount=setup.unit_amount, description="Setup fee", price=setup.id, subscription=content.spec.subscription
    )
    loose = LineSpec(amount=1_500, description="Extra support")
    return replace(content, lines=[own, loose, *content.lines])


def long(lines: int) -> Filling:
    """Return a function that fills an invoice with so many lines, more than an answer contains."""

    def fill(world: World) -> Content:
        content = monthly(world)
        usage = [LineSpec(amount=10 * place, description=f"Usage, part {place}") for place in range(1, lines)]
        return replace(content, lines=[*content.lines, *usage])

    return fill
