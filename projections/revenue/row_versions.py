"""Derive every version of a row that facts made, however many of them came in one batch. Pure.

A row names the event that last changed it. So the row itself shows whether a fact changed it, and a batch of facts
gives the same versions as the same facts one by one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from projections.revenue.fold import RevenueState
from projections.revenue.invoice_rows import InvoiceRows
from projections.revenue.row import Row
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_parts import RowParts, parts_of_stored, with_name, with_price, with_product
from projections.revenue.state import Held, HeldValue, Key, Name, PricedAs

Value = TypeVar("Value", PricedAs, Name)
State = TypeVar("State", Held, HeldValue[PricedAs], HeldValue[Name])

_BEFORE = 0


def changes_of(revenue: RevenueState) -> RowChanges:
    """Return the changes that the applied facts made to the rows of all invoices in this state."""
    changes = RowChanges()
    last_move = max(
        _last_move(revenue.name_states), _last_move(revenue.price_states), _last_move(revenue.product_states)
    )
    for key, held in revenue.invoices.items():
        states = revenue.invoice_states.get(key) or [held]
        positions = {state.change.position for state in states[1:] if state}
        # A price or a name that changed before the invoice was there changed none of its rows.
        first = 0 if states[0] else min(positions)
        if first < last_move:
            positions.update(_moves_of(states, key[0], revenue, first))
        if positions:
            invoice = InvoiceRows(key)
            moments = ((position, _rows_at(invoice, states, position, revenue)) for position in sorted(positions))
            changes.follow(_rows_at(invoice, states, _BEFORE, revenue), moments)
    return changes


def follow_stored(changes: RowChanges, row: Row, revenue: RevenueState) -> None:
    """Record what the applied facts changed in a stored row whose invoice is not in this state."""
    fixed, variable = parts_of_stored(row)
    prices = revenue.price_states.get((row.livemode, row.price_id or ""), [])
    names = revenue.name_states.get((row.livemode, row.customer_id or ""), [])
    products = revenue.product_states.get((row.livemode, row.product_id or ""), [])
    now = variable
    moments: list[tuple[int, list[RowParts]]] = []
    moves = (prices, names, products)
    for position in sorted({state.change.position for states in moves for state in states[1:] if state}):
        price, name = _reached_at(prices[1:], position), _reached_at(names[1:], position)
        product = _reached_at(products[1:], position)
        now = with_price(now, row.price_id, price) if price else now
        now = with_name(now, name) if name else now
        now = with_product(now, product) if product else now
        moments.append((position, [(fixed, now)]))  # one fact may change several: the row then changes once
    changes.follow([(fixed, variable)], moments)


def _last_move(moved: Mapping[Key, list[State | None]]) -> int:
    return max((states[-1].change.position for states in moved.values() if states[-1]), default=0)


def _moves_of(states: list[Held | None], livemode: bool, revenue: RevenueState, first: int) -> Iterator[int]:  # noqa: FBT001 - a value
    customers: set[str | None] = set()
    prices: set[str | None] = set()
    products: set[str | None] = set()
    lines: object = None
    for state in states:
        if state and state.invoice.header:
            customers.add(state.invoice.header.value.customer_id)
        if state and state.invoice.lines and state.invoice.lines.value is not lines:
            lines = state.invoice.lines.value
            prices.update([line.price_id for line in state.invoice.lines.value])
            products.update([line.product_id for line in state.invoice.lines.value])
    yield from _positions(revenue.name_states, livemode, customers, first)
    yield from _positions(revenue.price_states, livemode, prices, first)
    yield from _positions(revenue.product_states, livemode, products, first)


def _positions(
    moved: Mapping[Key, list[State | None]],
    livemode: bool,  # noqa: FBT001 - a value
    ids: set[str | None],
    first: int,
) -> Iterator[int]:
    for moved_id in ids:
        states = moved.get((livemode, moved_id or ""))
        if states and states[-1] and states[-1].change.position > first:
            yield from [state.change.position for state in states[1:] if state and state.change.position > first]


def _rows_at(
    invoice: InvoiceRows, states: list[Held | None], position: int, revenue: RevenueState
) -> Sequence[RowParts]:
    held = _at(states, position)
    if held is None:
        return ()
    return invoice.rows(
        held,
        partial(held_at, revenue.price_states, revenue.prices, position),
        partial(held_at, revenue.name_states, revenue.names, position),
        partial(held_at, revenue.product_states, revenue.products, position),
    )


def held_at(
    moved: Mapping[Key, list[HeldValue[Value] | None]], now: Mapping[Key, HeldValue[Value]], position: int, key: Key
) -> HeldValue[Value] | None:
    """Return the price or name that was held at a position; the first of its states is the one before all changes."""
    states = moved.get(key)
    return _at(states, position) if states else now.get(key)


def _reached_at(states: Iterable[State | None], position: int) -> State | None:
    return next((state for state in states if state and state.change.position == position), None)


def _at(states: list[State | None], position: int) -> State | None:
    """Return the last state that was reached by this position; the first of the list is the one before all changes."""
    for place in range(len(states) - 1, 0, -1):
        state = states[place]
        if state and state.change.position <= position:
            return state
    return states[0]
