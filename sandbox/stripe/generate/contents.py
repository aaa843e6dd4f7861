"""The kinds of invoices that real accounts have, and the frequency of each."""

from dataclasses import replace

from sandbox.stripe.generate.line_contents import (
    Content,
    Filling,
    hostile,
    long,
    mixed,
    monthly,
    nameless,
    one_time,
    recurring,
)
from sandbox.stripe.generate.world import World
from sandbox.stripe.records.cadence import COMMON, ODD
from sandbox.stripe.records.ids import token
from sandbox.stripe.records.records import Credited, Customer, Discount, Tax
from sandbox.stripe.records.specs import LineSpec

_DAY = 86_400


def _proration(world: World) -> Content:
    content = monthly(world)
    bought = content.lines[0]
    start = world.now - 10 * _DAY
    unused = replace(
        bought,
        amount=-world.share(bought.amount, 60, content.spec.currency),
        description="Unused time on Team plan",
        period=(start, start + 20 * _DAY),
        proration=True,
        credited=_earlier_line(world, content.customer),
    )
    annual = world.prices[content.spec.currency, (1, "year")]
    rest = replace(
        unused, amount=annual.unit_amount * 3, description="Remaining time on Team plan", price=annual.id, credited=None
    )
    return replace(content, lines=[unused, rest], spec=replace(content.spec, billing_reason="subscription_update"))


def _earlier_line(world: World, customer: Customer) -> Credited | None:
    earlier = next(iter(world.ledger.invoices_by_customer.get(customer.id, ())), None)
    return None if earlier is None else Credited(earlier.id, earlier.lines[0].id)


def _discounted(world: World) -> Content:
    content = mixed(world)
    currency = content.spec.currency
    on_line, on_invoice = (f"di_1{token(world.now, part, length=23)}" for part in ("line", "invoice"))
    lines = []
    for place, line in enumerate(content.lines):
        first = world.share(line.amount, 10, currency) if place == 0 else 0
        second = world.share(line.amount - first, 15, currency)
        own = (Discount(on_line, first),) if first else ()
        lines.append(replace(line, discounts=(*own, Discount(on_invoice, second, on_invoice=True))))
    return replace(content, lines=lines)


def _taxed(*, inclusive: bool) -> Filling:
    def fill(world: World) -> Content:
        content = _discounted(world)
        lines = []
        for line in content.lines:
            taxable = line.amount - sum(cut.amount for cut in line.discounts)
            amount = taxable - taxable * 100 // 119 if inclusive else taxable * 19 // 100
            if content.spec.currency == "kwd":
                amount = amount // 10 * 10
            base = taxable - amount if inclusive else taxable
            lines.append(replace(line, taxes=(Tax("txr_1Sample19", amount, base, inclusive),)))
        return replace(content, lines=lines)

    return fill


def _trial(world: World) -> Content:
    content = monthly(world)
    free = replace(
        content.lines[0],
        amount=0,
        description="Trial period for Team plan",
        period=(world.now, world.now + 14 * _DAY),
        quantity="1",
    )
    return replace(content, lines=[free], spec=replace(content.spec, billing_reason="subscription_create"))


def _below_zero(world: World) -> Content:
    content = one_time(world)
    goodwill = LineSpec(amount=-content.lines[-1].amount, description="Goodwill credit")
    return replace(content, lines=[*content.lines[-1:], goodwill, LineSpec(amount=-2_000, description="Refund of fee")])


def _tiered(world: World) -> Content:
    content = monthly(world)
    return replace(content, lines=[replace(content.lines[0], amount=amount) for amount in (5_000, 2_500, 0)])


def _fractional(world: World) -> Content:
    content = one_time(world)
    quantity = "1.5" if world.fractional else "2"
    return replace(content, lines=[replace(content.lines[-1], quantity=quantity)])


# The weight of each content, relative to the sum. Each occurs at least once in an account of 40 invoices or more.
CONTENTS: dict[Filling, int] = {
    **{recurring(every): 120 if every == (1, "month") else 40 for every in COMMON},
    **{recurring(every): 8 for every in ODD},
    one_time: 60,
    nameless: 10,
    hostile: 4,
    mixed: 40,
    _proration: 30,
    _discounted: 30,
    _taxed(inclusive=True): 30,
    _taxed(inclusive=False): 30,
    _trial: 20,
    _below_zero: 10,
    _tiered: 20,
    _fractional: 10,
    long(11): 12,
    long(101): 2,
    long(251): 1,
}
