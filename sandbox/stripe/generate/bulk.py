"""Fill an account with very many plain invoices at once, for benchmarks: only records, no events."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from random import Random

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.cadence import COMMON, Every, in_words, money, period_end
from sandbox.stripe.records.records import Customer, Invoice, Line, Price

_MONTH = 30 * 86_400
_HOUR = 3_600
_LONG_EVERY = 50
_LONG_LINES = 25
_STATUSES = ("paid",) * 90 + ("open",) * 5 + ("void",) * 3 + ("uncollectible",) * 2


def generate_bulk(  # noqa: PLR0913 - the size of an account has this many dimensions
    account: Account,
    *,
    invoices: int,
    lines_per_invoice: int = 3,
    seed: int = 0,
    months: int = 12,
    livemode: bool = True,
    until: int | None = None,
) -> None:
    """Add finalized invoices of `lines_per_invoice` lines, one in 50 with 25, evenly over the months up to `until`."""
    ledger = account.ledger(livemode=livemode)
    end = ledger.moment(until)
    start = end - months * _MONTH
    random = Random(f"bulk:{seed}:{account.id}:{livemode}")
    with ledger.lock, _silently(ledger):
        customers, prices = _shop(ledger, invoices // 20 + 1, start)
        for place in range(invoices):
            created = start + (end - start) * place // invoices
            lines = _LONG_LINES if place % _LONG_EVERY == 0 else lines_per_invoice
            ledger.keep_invoice(_invoice(ledger, random.choice(customers), created, (random, prices, lines)))


@contextmanager
def _silently(ledger: Ledger) -> Iterator[None]:
    """Record no events, and turn garbage collection off, which would scan millions of lasting records repeatedly."""
    recording, collecting = ledger.journal.recording, gc.isenabled()
    ledger.journal.recording = False
    gc.disable()
    try:
        yield
    finally:
        ledger.journal.recording = recording
        if collecting:
            gc.enable()


def _shop(ledger: Ledger, customers: int, start: int) -> tuple[list[Customer], list[Price]]:
    product = ledger.create_product("Team plan", at=start)
    intervals = enumerate(COMMON, start=1)
    prices = [ledger.create_price(product.id, 1_000 * size, every=every, at=start) for size, every in intervals]
    prices.append(ledger.create_price(product.id, 9_900, at=start))
    return [ledger.create_customer(f"Sample Customer {place}", at=start) for place in range(customers)], prices


def _invoice(ledger: Ledger, customer: Customer, created: int, recipe: tuple[Random, list[Price], int]) -> Invoice:
    random, prices, lines = recipe
    status = random.choice(_STATUSES)
    customer.numbered_invoices += 1
    opened = created + _HOUR
    identifier = ledger.ids.issue("in")
    return Invoice(
        id=identifier,
        created=created,
        sequence=ledger.ids.issued,
        customer=customer,
        currency="usd",
        lines=tuple(_line(ledger, random.choice(prices), random.randint(1, 9), created) for _ in range(lines)),
        status=status,
        number=f"{customer.invoice_prefix}-{customer.numbered_invoices:04d}",
        frozen_name=customer.name,
        finalized_at=opened,
        paid_at=opened if status == "paid" else None,
        voided_at=opened if status == "void" else None,
        uncollectible_at=opened if status == "uncollectible" else None,
    )


def _line(ledger: Ledger, price: Price, quantity: int, created: int) -> Line:
    every = None if price.interval is None else (price.interval_count, price.interval)
    return Line(
        id=ledger.ids.issue("il"),
        amount=price.unit_amount * quantity,
        description=_description(price.product.name, price.unit_amount, price.currency, every, quantity),
        period_start=created,
        period_end=created if every is None else period_end(created, every),
        quantity=str(quantity),
        price=price,
        subscription_id=None,
        from_subscription=False,
    )


# Cached, so that the 600,000 lines of an account share the few different descriptions.
@lru_cache(maxsize=1_000)
def _description(name: str, unit_amount: int, currency: str, every: Every | None, quantity: int) -> str:
    interval = "" if every is None else f" / {in_words(every)}"
    return f"{quantity} x {name} (at {money(unit_amount, currency)}{interval})"
