"""Read how a price bills, and its name. Pure.

A price's recurrence never changes, its names may (https://docs.stripe.com/api/prices/update).
"""

from events.stripe import shapes as wire
from events.stripe.observations import Observation, PriceSeen, Recurrence

FROM_PRICE = "price"
FROM_PLAN = "plan"


def price_seen(price: wire.Price | wire.Plan) -> list[Observation]:
    """Return how a price bills, or nothing if the price recurs but does not say how often."""
    if isinstance(price, wire.Plan):
        recurrence = Recurrence(price.interval, price.interval_count)
        return [PriceSeen(price.id, recurrence, FROM_PLAN, price.nickname or None)] if price.id else []
    name = price.nickname or price.lookup_key or None
    if price.recurring is not None:
        recurrence = Recurrence(price.recurring.interval, price.recurring.interval_count)
        return [PriceSeen(price.id, recurrence, FROM_PRICE, name)]
    return [PriceSeen(price.id, None, FROM_PRICE, name)] if price.type == "one_time" else []
