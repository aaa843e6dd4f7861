"""The made-up business of a generated account: its customers, its prices and the current time."""

from dataclasses import dataclass, field
from random import Random

from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.cadence import COMMON, ODD, Every, in_words
from sandbox.stripe.records.records import Customer, Price

CURRENCIES = {"usd": 10, "eur": 3, "gbp": 2, "jpy": 2, "kwd": 1}  # weights out of 18
# One unit of the smallest price, in minor units. The last digit of a three-decimal currency is always 0 at Stripe.
_UNIT = {"usd": 500, "eur": 450, "gbp": 400, "jpy": 700, "kwd": 1_540}
_STEP = {"kwd": 10}

_NAMES = (
    "Example Bakery",
    "Testa & Figli S.r.l.",
    "Ünïcode Möbel GmbH",
    None,
    "東京テスト株式会社",
    "<img src=x onerror=alert(1)>",
    "O'Sample, Doe; Partners",
    "Пример и сыновья",
    "Beaker Lab 🧪",
    "=Formula Trading",
    "شركة مثال",
    'Quote "Q" Sample',
    None,
)
_COUNTRIES = ("US", "DE", None, "JP", "CZ", "GB")
_IN_EUROPE = ("CZ", "DE", "GB")
_LEGACY_IDS = {("usd", (1, "month")): "small-monthly", ("usd", (1, "year")): "small-annual"}


@dataclass(slots=True)
class World:
    """The state that all stories share. `now` is in Unix seconds and only increases."""

    ledger: Ledger
    random: Random
    now: int
    fractional: bool
    customers: list[Customer] = field(default_factory=list)
    prices: dict[tuple[str, Every | None], Price] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], str] = field(default_factory=dict)

    def customer(self) -> Customer:
        """Return a random customer."""
        return self.random.choice(self.customers)

    def currency(self) -> str:
        """Return a random currency, weighted by `CURRENCIES`."""
        return self.random.choices(list(CURRENCIES), list(CURRENCIES.values()))[0]

    def subscription(self, customer: Customer, price: Price) -> str:
        """Return the id of the customer's subscription to a price, which is created when first needed."""
        key = customer.id, price.id
        if key not in self.subscriptions:
            region = {"region": "emea"} if customer.country in _IN_EUROPE else None
            made = self.ledger.create_subscription(customer.id, [price.id], metadata=region, at=self.now)
            self.subscriptions[key] = made.id
        return self.subscriptions[key]

    def share(self, amount: int, percent: int, currency: str) -> int:
        """Return a percentage of an amount, rounded down to an amount that can be paid in the currency."""
        step = _STEP.get(currency, 1)
        return amount * percent // 100 // step * step


def open_shop(world: World, customers: int) -> None:
    """Create the prices and the customers."""
    _make_prices(world)
    for place in range(customers):
        name = _NAMES[place % len(_NAMES)]
        if name is not None and place >= len(_NAMES):
            name = f"{name} {place}"
        email = f"billing+{place}@customer.test" if place % 5 else None
        country, segment = _COUNTRIES[place % len(_COUNTRIES)], None if place % 3 else {"segment": "partner"}
        made = world.ledger.create_customer(name, email=email, country=country, metadata=segment, at=world.now)
        world.customers.append(made)


def _make_prices(world: World) -> None:
    product = world.ledger.create_product("Team plan", metadata={"line": "core"}, at=world.now)
    extras = world.ledger.create_product("Onboarding", at=world.now)
    for currency, unit in _UNIT.items():
        for months, every in enumerate((*COMMON, *ODD), start=1):
            world.prices[currency, every] = world.ledger.create_price(
                product.id,
                unit * months,
                currency=currency,
                every=every,
                price_id=_LEGACY_IDS.get((currency, every)),
                # Few sellers name all their prices, and some only for their programs.
                nickname=f"Team, per {in_words(every)}" if every in COMMON else None,
                lookup_key=f"team_{every[0]}_{every[1]}_{currency}",
                metadata={"tier": "standard"} if every in COMMON else None,
                at=world.now,
            )
        world.prices[currency, None] = world.ledger.create_price(extras.id, unit * 7, currency=currency, at=world.now)
