"""Derive every version of rows and parts that facts made, however many of them came in one batch. Pure.

A row names the event that last changed it. So the row itself shows whether a fact changed it, and a batch of facts
gives the same versions as the same facts one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from projections.revenue.fold import RevenueState
from projections.revenue.invoice_parts import InvoiceParts, PartsByPlace
from projections.revenue.invoice_rows import InvoiceRows
from projections.revenue.part_changes import PartChanges
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_parts import RowParts
from projections.revenue.state import Held, HeldValue, Key, Name, PricedAs

Value = TypeVar("Value", PricedAs, Name)
State = TypeVar("State", Held, HeldValue[PricedAs], HeldValue[Name])

_BEFORE = 0


class Changes(NamedTuple):
    """What facts changed in the rows of one company, and in the parts of their lines."""

    rows: RowChanges
    parts: PartChanges


def changes_of(revenue: RevenueState) -> Changes:
    """Return the changes that the applied facts made to the rows and parts of all invoices in this state."""
    changes = Changes(RowChanges(), PartChanges())
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
            _follow(changes, key, states, sorted(positions), revenue)
    return changes


def _follow(
    changes: Changes, key: Key, states: list[Held | None], positions: Sequence[int], revenue: RevenueState
) -> None:
    invoice = InvoiceRows(key)
    rows = ((position, _rows_at(invoice, states, position, revenue)) for position in positions)
    changes.rows.follow(_rows_at(invoice, states, _BEFORE, revenue), rows)
    of_lines = InvoiceParts(key, revenue.book, revenue.line_overrides.get(key, {}))
    parts = ((position, _parts_at(of_lines, states, position, revenue)) for position in positions)
    changes.parts.follow(key, _parts_at(of_lines, states, _BEFORE, revenue), parts)


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
        partial(_held_at, revenue.price_states, revenue.prices, position),
        partial(_held_at, revenue.name_states, revenue.names, position),
        partial(_held_at, revenue.product_states, revenue.products, position),
    )


def _parts_at(of_lines: InvoiceParts, states: list[Held | None], position: int, revenue: RevenueState) -> PartsByPlace:
    held = _at(states, position)
    return of_lines.parts(held.invoice, lambda _booked_at: ()) if held else {}


def _held_at(
    moved: Mapping[Key, list[HeldValue[Value] | None]], now: Mapping[Key, HeldValue[Value]], position: int, key: Key
) -> HeldValue[Value] | None:
    states = moved.get(key)
    return _at(states, position) if states else now.get(key)


def _at(states: list[State | None], position: int) -> State | None:
    """Return the last state that was reached by this position; the first of the list is the one before all changes."""
    for place in range(len(states) - 1, 0, -1):
        state = states[place]
        if state and state.change.position <= position:
            return state
    return states[0]
