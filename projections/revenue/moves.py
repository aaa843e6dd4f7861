"""What lines refer to, and at which positions facts changed it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from projections.revenue.fold import RevenueState
from projections.revenue.state import Held, Key

Positions = Mapping[Key, Sequence[int]]


class Moves(NamedTuple):
    """The positions at which facts changed customers, prices and products."""

    customers: Positions
    prices: Positions
    products: Positions

    @property
    def last(self) -> int:
        """Return the last of all positions, or 0."""
        return max((at[-1] for kind in self for at in kind.values()), default=0)

    def of_invoice(self, livemode: bool, states: Iterable[Held | None], after: int) -> Iterator[int]:  # noqa: FBT001 - a value
        """Yield the later positions at which facts changed what an invoice refers to, given all states of it."""
        customers: set[str | None] = set()
        sold: set[tuple[str | None, str | None]] = set()
        lines: object = None
        for state in states:
            if state and state.invoice.header:
                customers.add(state.invoice.header.value.customer_id)
            if state and state.invoice.lines and state.invoice.lines.value is not lines:
                lines = state.invoice.lines.value
                sold.update([(line.price_id, line.product_id) for line in state.invoice.lines.value])
        prices, products = {price_id for price_id, _ in sold}, {product_id for _, product_id in sold}
        for positions, ids in zip(self, (customers, prices, products), strict=True):
            for one in ids:
                yield from [at for at in positions.get((livemode, one or ""), ()) if at > after]


def moves_of(revenue: RevenueState) -> Moves:
    """Return where facts moved what stored rows show and, if there are rules, what those may test."""
    details = revenue.details
    return Moves(
        _positions(revenue, revenue.name_states, details.customer_states),
        _positions(revenue, revenue.price_states, details.price_states),
        _positions(revenue, revenue.product_states, details.product_states),
    )


def _positions(
    revenue: RevenueState, shown: Mapping[Key, Sequence[Any]], told: Mapping[Key, Sequence[tuple[int, Any]]]
) -> Positions:
    found: defaultdict[Key, set[int]] = defaultdict(set)
    for key, states in shown.items():
        found[key].update(state.change.position for state in states[1:] if state)
    for key, states in told.items() if revenue.book.rules else ():
        found[key].update(position for position, _ in states[1:])
    return {key: sorted(positions) for key, positions in found.items() if positions}
