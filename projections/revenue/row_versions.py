"""Derive every version of rows and parts that facts made, however many of them came in one batch. Pure.

A row names the event that last changed it. So the row itself shows whether a fact changed it, and a batch of facts
gives the same versions as the same facts one by one.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from events.stripe.observations import Line
from projections.mapping.rule_set import Subject
from projections.recognition.days import zone_of
from projections.revenue.fold import RevenueState
from projections.revenue.invoice_rows import InvoiceRows
from projections.revenue.moves import moves_of
from projections.revenue.parts.invoice_parts import InvoiceParts, PartsByPlace
from projections.revenue.parts.part_changes import PartChanges
from projections.revenue.row_changes import RowChanges
from projections.revenue.row_parts import RowParts
from projections.revenue.state import Held, Key
from projections.revenue.states_at import BEFORE, held_at, state_at
from projections.revenue.tested.subjects_at import subjects_at


class Changes(NamedTuple):
    """What facts changed in the rows of one company, and in the parts of their lines."""

    rows: RowChanges
    parts: PartChanges


def changes_of(revenue: RevenueState) -> Changes:
    """Return the changes that the applied facts made to the rows and parts of all invoices in this state."""
    changes = Changes(RowChanges(), PartChanges())
    moves = moves_of(revenue)
    last_move = moves.last
    for key, held in revenue.invoices.items():
        states = revenue.invoice_states.get(key) or [held]
        positions = {state.change.position for state in states[1:] if state}
        if revenue.book.rules:
            positions.update(position for position, _ in revenue.details.invoice_states.get(key, ())[1:])
        # A price or a name that changed before the invoice was there changed none of its rows.
        first = 0 if states[0] else min(positions)
        if first < last_move:
            positions.update(moves.of_invoice(key[0], states, first))
        if positions:
            _follow(changes, key, states, sorted(positions), revenue)
    return changes


def _follow(
    changes: Changes, key: Key, states: list[Held | None], positions: Sequence[int], revenue: RevenueState
) -> None:
    invoice = InvoiceRows(key)
    rows = ((position, _rows_at(invoice, states, position, revenue)) for position in positions)
    changes.rows.follow(_rows_at(invoice, states, BEFORE, revenue), rows)
    of_lines = InvoiceParts(key, revenue.book, revenue.line_overrides.get(key, {}))
    parts = ((position, parts_at(of_lines, state_at(states, position), position, revenue)) for position in positions)
    changes.parts.follow(key, parts_at(of_lines, states[0], BEFORE, revenue), parts)


def parts_at(of_lines: InvoiceParts, held: Held | None, position: int, revenue: RevenueState) -> PartsByPlace:
    """Return the parts of an invoice as it was known at a position."""
    if held is None:
        return {}
    key, zone = of_lines.key, zone_of(of_lines.book.policy.time_zone)

    def subjects_of(booked_at: int) -> Iterator[tuple[Line, Subject]]:
        return subjects_at(revenue, key, held.invoice, booked_at, zone, position)

    return of_lines.parts(held.invoice, subjects_of)


def _rows_at(
    invoice: InvoiceRows, states: list[Held | None], position: int, revenue: RevenueState
) -> Sequence[RowParts]:
    held = state_at(states, position)
    if held is None:
        return ()
    return invoice.rows(
        held,
        partial(held_at, revenue.price_states, revenue.prices, position),
        partial(held_at, revenue.name_states, revenue.names, position),
        partial(held_at, revenue.product_states, revenue.products, position),
    )
