"""Read how a price bills, and its name. Pure.

A price's recurrence never changes, its names may (https://docs.stripe.com/api/prices/update).
"""

from events.stripe import shapes as wire
from events.stripe.details import PriceDetails
from events.stripe.metadata import metadata_of, text_of
from events.stripe.observations import Observation, PriceSeen, Recurrence

FROM_PRICE = "price"
FROM_PLAN = "plan"
_NOTHING = PriceDetails()


def price_seen(price: wire.Price | wire.Plan) -> list[Observation]:
    """Return how a price bills, or nothing if the price recurs but does not say how often."""
    if isinstance(price, wire.Plan):
        recurrence = Recurrence(price.interval, price.interval_count)
        details = _details(price.nickname, None, price)
        return [PriceSeen(price.id, recurrence, FROM_PLAN, price.nickname or None, details)] if price.id else []
    details = _details(price.nickname, price.lookup_key, price)
    name = price.nickname or price.lookup_key or None
    if price.recurring is not None:
        recurrence = Recurrence(price.recurring.interval, price.recurring.interval_count)
        return [PriceSeen(price.id, recurrence, FROM_PRICE, name, details)]
    return [PriceSeen(price.id, None, FROM_PRICE, name, details)] if price.type == "one_time" else []


def _details(nickname: str | None, lookup_key: str | None, price: wire.Price | wire.Plan) -> PriceDetails | None:
    if not (nickname or lookup_key or price.metadata):
        return None
    details = PriceDetails(text_of(nickname), text_of(lookup_key), metadata_of(price.metadata))
    return details if details != _NOTHING else None
