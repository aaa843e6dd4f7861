"""Which rows stood when: every version of a row that facts brought about, however many of them came in one batch. Pure.

A row says by which event it last changed. So whether a fact changed a row shows in the row itself, and what a batch of
facts gives is what the same facts give one by one.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple, TypeVar

from projections.known import Held, HeldValue, Key, PricedAs
from projections.revenue_lines import Books
from projections.revenue_rows import Fixed, Row, rows_of, with_name, with_price

State = TypeVar("State", Held, HeldValue[PricedAs], HeldValue[str])

_BEFORE = 0


class Ending(NamedTuple):
    """The end of a row that stood in the table before: at `until`, replaced or removed.

    Displaced is what ends by leaving its place: the line is removed, or gets another place in the table's order.
    """

    row: Row
    until: int
    is_removed: bool
    is_displaced: bool


class Version(NamedTuple):
    """A row that came and went between two looks at the table."""

    row: Row
    is_added: bool
    until: int
    is_removed: bool
    is_displaced: bool


class Standing(NamedTuple):
    """A row that stands now and did not before."""

    row: Row
    is_added: bool


class RowChanges:
    """What facts did to the rows of one company."""

    def __init__(self) -> None:
        self.ended: list[Ending] = []
        self.passed: list[Version] = []
        self.current: list[Standing] = []
        # Rows whose line was displaced: so are all its earlier versions.
        self.displaced: list[Row] = []
        self._since = (0, 0)

    def follow(self, before: Iterable[Row], moments: Iterable[tuple[int, Iterable[Row]]]) -> None:
        """Take in the rows of one invoice: those before, then at each position those that stand from there on."""
        standing: dict[str, Row | Standing] = {row.invoice_line_item_id: row for row in before}
        self._since = (len(self.ended), len(self.passed))
        for position, rows in moments:
            gone = set(standing)
            for row in rows:
                line_id = row.invoice_line_item_id
                held = standing.get(line_id)
                gone.discard(line_id)
                if held is None:
                    standing[line_id] = Standing(row, is_added=True)
                elif row.position == position:
                    self._end(held, position, row)
                    standing[line_id] = Standing(row, is_added=False)
            for line_id in gone:
                self._end(standing.pop(line_id), position, None)
        self.current += [held for held in standing.values() if isinstance(held, Standing)]

    def _end(self, held: Row | Standing, until: int, follower: Row | None) -> None:
        row = held.row if isinstance(held, Standing) else held
        is_displaced = follower is None or _place(row) != _place(follower)
        if is_displaced:
            self._displace(row)
        if isinstance(held, Standing):
            self.passed.append(Version(*held, until, follower is None, is_displaced))
        else:
            self.ended.append(Ending(held, until, follower is None, is_displaced))

    def _displace(self, row: Row) -> None:
        self.displaced.append(row)
        ended, passed = self._since
        for at in range(ended, len(self.ended)):
            if self.ended[at].row.invoice_line_item_id == row.invoice_line_item_id:
                self.ended[at] = self.ended[at]._replace(is_displaced=True)
        for at in range(passed, len(self.passed)):
            if self.passed[at].row.invoice_line_item_id == row.invoice_line_item_id:
                self.passed[at] = self.passed[at]._replace(is_displaced=True)


def _place(row: Row) -> tuple[object, ...]:
    # What the table is ordered and looked up by.
    return row.date, row.amount, row.customer_id, row.subscription_id


def changes_of(books: Books) -> RowChanges:
    """Give what the facts in these books did to the rows of all invoices in them."""
    changes = RowChanges()
    for key, held in books.invoices.items():
        states = books.invoice_states.get(key) or [held]
        positions = {state.change.position for state in states[1:] if state}
        positions.update(_moves_of(states, key[0], books))
        if positions:
            known: dict[tuple[int, int], Fixed] = {}
            moments = ((position, _rows_at(key, states, position, books, known)) for position in sorted(positions))
            changes.follow(_rows_at(key, states, _BEFORE, books, known), moments)
    return changes


def follow_stored(changes: RowChanges, row: Row, books: Books) -> None:
    """Take in what the facts did to a row of an invoice that is not in these books."""
    prices = books.price_states.get((row.livemode, row.price_id or ""), [])
    names = books.name_states.get((row.livemode, row.customer_id or ""), [])
    moves = sorted(
        chain(
            ((price.change.position, price, None) for price in prices[1:] if price),
            ((name.change.position, None, name) for name in names[1:] if name),
        ),
        key=lambda move: move[0],
    )
    moments: dict[int, list[Row]] = {}
    now = row
    for position, price, name in moves:
        now = with_price(now, price) if price else now
        now = with_name(now, name) if name else now
        moments[position] = [now]  # one fact may move both: the row then changes once
    changes.follow([row], moments.items())


def _moves_of(states: Iterable[Held | None], livemode: bool, books: Books) -> Iterator[int]:  # noqa: FBT001 - a value
    if not books.name_states and not books.price_states:
        return
    for state in states:
        if state is None:
            continue
        header, lines = state.book.header, state.book.lines
        if header and header.value.customer_id:
            yield from _positions(books.name_states, (livemode, header.value.customer_id))
        for line in lines.value if lines else ():
            if line.price_id:
                yield from _positions(books.price_states, (livemode, line.price_id))


def _positions(states: Mapping[Key, list[State | None]], key: Key) -> Iterator[int]:
    return (state.change.position for state in states.get(key, ())[1:] if state)


def _rows_at(
    key: Key, states: list[Held | None], position: int, books: Books, known: dict[tuple[int, int], Fixed]
) -> Iterator[Row]:
    held = _at(states, position)
    if held is None:
        return iter(())
    if not books.price_states and not books.name_states:
        return rows_of(key, held, books.prices.get, books.names.get, known)

    def price_of(price: Key) -> HeldValue[PricedAs] | None:
        moved = books.price_states.get(price)
        return _at(moved, position) if moved else books.prices.get(price)

    def name_of(customer: Key) -> HeldValue[str] | None:
        moved = books.name_states.get(customer)
        return _at(moved, position) if moved else books.names.get(customer)

    return rows_of(key, held, price_of, name_of, known)


def _at(states: list[State | None], position: int) -> State | None:
    """Give the last state that was reached by this position; the first is the one before."""
    for place in range(len(states) - 1, 0, -1):
        state = states[place]
        if state and state.change.position <= position:
            return state
    return states[0]
