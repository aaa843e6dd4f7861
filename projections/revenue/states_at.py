"""Look up what was known of an invoice, a price, a product or a customer at a position of the log. Pure."""

from collections.abc import Mapping
from typing import TypeVar

from projections.revenue.state import Held, HeldValue, Key, Name, PricedAs

Value = TypeVar("Value", PricedAs, Name)
State = TypeVar("State", Held, HeldValue[PricedAs], HeldValue[Name])

# Before and after every event of a log.
BEFORE, NOW = 0, 1 << 63


def held_at(
    moved: Mapping[Key, list[HeldValue[Value] | None]], now: Mapping[Key, HeldValue[Value]], position: int, key: Key
) -> HeldValue[Value] | None:
    """Return the price or name that was held at a position; the first of its states is the one before all changes."""
    states = moved.get(key)
    return state_at(states, position) if states else now.get(key)


def state_at(states: list[State | None], position: int) -> State | None:
    """Return the last state that was reached by this position; the first of the list is the one before all changes."""
    for place in range(len(states) - 1, 0, -1):
        state = states[place]
        if state and state.change.position <= position:
            return state
    return states[0]
