"""Turn the books into rows, each in two parts: what its invoice says of a line once for all, and what may move. Pure.

Versions of a line share the first part, lines of an invoice mostly the second. So each is made, and written out, once.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from msgspec import Struct

from events.observations import InvoiceHeader, Line
from projections.canonical import head_text_of, line_text_of, shown_text_of
from projections.known import Change, Held, HeldValue, Key, PricedAs
from projections.revenue_rows import HEAD, SAID, Fields, Row, Shown, billing_of, head_of, line_of

# (livemode, first day of the month, currency), and (status, type, cadence).
Month = tuple[bool, date, str]
Kind = tuple[str, str, str]
PriceOf = Callable[[Key], HeldValue[PricedAs] | None]
NameOf = Callable[[Key], HeldValue[str] | None]


class SaidPart(Struct, frozen=True, gc=False):
    """What an invoice says of a line: its text, and what keys, order and sums ask of it."""

    text: str
    livemode: bool
    invoice_id: str
    line_id: str
    # What the table is ordered and looked up by.
    place: tuple[object, ...]
    day: tuple[bool, date]
    month: Month
    amount: int
    net_amount: int


class ShownPart(Struct, frozen=True, gc=False):
    """What else a row shows: the fields, their text, and what sums are told apart by."""

    fields: Shown
    text: str
    kind: Kind
    position: int


RowParts = tuple[SaidPart, ShownPart]


def text_of_parts(row: RowParts) -> str:
    """Give the row's canonical text."""
    said, shown = row
    return f"{said.text}\t{shown.text}"


def parts_of_stored(row: Row) -> RowParts:
    """Give the parts of a row as the table holds it."""
    head = row[:HEAD]
    return said_part(head, head_text_of(head), row[HEAD:SAID]), shown_part(Shown._make(row[SAID:]))


def said_part(head: Fields, head_text: str, line: Fields) -> SaidPart:
    """Give the part of a row that an invoice says."""
    livemode, invoice_id, _, customer_id, _ = head
    line_id, subscription_id, _, _, _, _, day, _, _, amount, _, _, net_amount, currency, _, _ = line
    return SaidPart(
        f"{head_text}\t{line_text_of(line)}",
        livemode,
        invoice_id,
        line_id,
        (day, amount, customer_id, subscription_id),
        (livemode, day),
        (livemode, _first_of_month(day), currency),
        amount,
        net_amount,
    )


def shown_part(fields: Shown) -> ShownPart:
    """Give the part of a row that may move."""
    kind = (fields.invoice_status, fields.type, fields.cadence)
    return ShownPart(fields, shown_text_of(fields), kind, fields.position)


class InvoiceRows:
    """The rows of one invoice, as they stand with what is known of it at one time and at another."""

    def __init__(self, key: Key) -> None:
        self._key = key
        # By header and lines, as the same values. Whoever asks keeps the books, and so them.
        self._said: dict[tuple[int, int], list[SaidPart]] = {}

    def rows(self, held: Held, price_of: PriceOf, name_of: NameOf) -> Iterator[RowParts]:
        """Give the rows; none while only the invoice's lines are known, or once it is deleted."""
        book, livemode = held.book, self._key[0]
        if book.is_deleted or book.header is None or book.status is None or book.lines is None:
            return
        header, is_complete = book.header.value, book.is_complete
        name = name_of((livemode, header.customer_id)) if header.customer_id else None
        shown: dict[str | None, ShownPart] = {}
        for line, said in zip(book.lines.value, self._said_of(header, book.lines.value), strict=True):
            price_id = line.price_id
            if price_id not in shown:
                price = price_of((livemode, price_id)) if price_id else None
                change = _latest(held.change, name, price)
                called = name.register.value if name else None
                billing = billing_of(price_id, price)
                shown[price_id] = shown_part(Shown(called, *billing, book.status.value, is_complete, *change))
            yield said, shown[price_id]

    def _said_of(self, header: InvoiceHeader, lines: tuple[Line, ...]) -> list[SaidPart]:
        known = (id(header), id(lines))
        said = self._said.get(known)
        if said is None:
            head = head_of(*self._key, header)
            text = head_text_of(head)
            said = self._said[known] = [said_part(head, text, line_of(header, line)) for line in lines]
        return said


@lru_cache(1024)
def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _latest(change: Change, *others: HeldValue[Any] | None) -> Change:
    for other in others:
        if other is not None and other.change.position > change.position:
            change = other.change
    return change
