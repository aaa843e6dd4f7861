"""Fill an account with the history of a made-up business of any size, with every oddity, the same for the same seed."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TypeVar

from sandbox.stripe.account.accounts import Account
from sandbox.stripe.generate.contents import CONTENTS
from sandbox.stripe.generate.fates import FATES, Fate
from sandbox.stripe.generate.line_contents import Content, Filling
from sandbox.stripe.generate.world import World, open_shop
from sandbox.stripe.records.records import Customer
from sandbox.stripe.records.versions import shape_of

_DAY = 86_400
_MONTH = 30 * _DAY
_BURST = 120  # invoices of one second, so that a page of 100 ends inside that second
_BURST_FROM = 400
T = TypeVar("T")


def generate(
    account: Account, *, invoices: int, seed: int = 0, months: int = 12, livemode: bool = True, until: int | None = None
) -> None:
    """Create `invoices` invoices, including drafts and deleted drafts, over the months that end at `until`, or now.

    Some customers are renamed, others deleted at the end. Nothing is dated later than `until` (Unix seconds).
    """
    ledger = account.ledger(livemode=livemode)
    end = ledger.moment(until)
    versions = {account.api_version, *account.listening_versions}
    # Before dahlia, Stripe had no fractional quantities: an older shape would truncate them.
    fractional = all(shape_of(version).quantity_decimal for version in versions)
    start = end - months * _MONTH
    random = Random(f"{seed}:{account.id}:{livemode}")
    world = World(ledger, random, now=start - _DAY, fractional=fractional)
    open_shop(world, customers=min(len(CONTENTS) + invoices // 8, 20_000))
    plot: list[tuple[int, int, Iterator[int]]] = []
    order = count()
    fillings, fates = _each_at_least_once(random, CONTENTS, invoices), _each_at_least_once(random, FATES, invoices)
    for at, filling, fate in zip(_starts(random, invoices, start, end), fillings, fates, strict=True):
        heappush(plot, (at, next(order), _story(world, filling, fate)))
    for place, customer in enumerate(world.customers, start=1):
        if place % 7 == 0:
            heappush(plot, (random.randrange(start, end), next(order), _rename(world, customer, place)))
        elif place % 11 == 0:
            # Deleted last, so that it has the name its invoices froze: afterwards the API does not show it any more.
            heappush(plot, (end, next(order), _delete(world, customer)))
    heappush(plot, (start + (end - start) // 2, next(order), _rename_product(world)))
    _play(world, plot, end, order)


def _play(world: World, plot: list[tuple[int, int, Iterator[int]]], end: int, order: Iterator[int]) -> None:
    while plot:
        world.now, _, story = heappop(plot)
        wait = next(story, None)
        if wait is not None and world.now + wait <= end:
            heappush(plot, (world.now + wait, next(order), story))


def _story(world: World, filling: Filling, fate: Fate) -> Iterator[int]:
    content: Content = filling(world)
    yield from fate(world, content)


def _rename(world: World, customer: Customer, place: int) -> Iterator[int]:
    world.ledger.rename_customer(customer.id, f"Renamed Sample {place} AG", at=world.now)
    yield from ()


def _rename_product(world: World) -> Iterator[int]:
    onboarding = next(product for product in world.ledger.products if product.name == "Onboarding")
    world.ledger.rename_product(onboarding.id, "Onboarding package", at=world.now)
    yield from ()


def _delete(world: World, customer: Customer) -> Iterator[int]:
    world.ledger.delete_customer(customer.id, at=world.now)
    yield from ()


def _starts(random: Random, invoices: int, start: int, end: int) -> list[int]:
    """Return when each invoice begins. One in eight shares its second with another; large accounts have a burst."""
    starts = [random.randrange(start, end) for _ in range(invoices)]
    for place in range(0, invoices - 1, 8):
        starts[place] = starts[place + 1]
    if invoices >= _BURST_FROM:
        starts[:_BURST] = [starts[0]] * _BURST
    random.shuffle(starts)
    return starts


def _each_at_least_once(random: Random, weights: Mapping[T, int], wanted: int) -> list[T]:
    kinds = list(weights)
    drawn = random.choices(kinds, list(weights.values()), k=max(wanted - len(kinds), 0))
    random.shuffle(kinds)
    chosen = (kinds + drawn)[:wanted]
    random.shuffle(chosen)
    return chosen
