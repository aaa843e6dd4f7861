"""Turn what is known of an invoice into its rows. Pure: they are a function of an invoice, its prices and a name."""

from collections.abc import Callable
from typing import Any

from events.stripe.observations import InvoiceHeader, Line
from projections.facts.sightings import Change
from projections.revenue.row import billing_of
from projections.revenue.row_parts import RowParts, SaidPart, ShownPart, head_of, said_part, shown_part
from projections.revenue.state import Held, HeldValue, Key, PricedAs

PriceOf = Callable[[Key], HeldValue[PricedAs] | None]
NameOf = Callable[[Key], HeldValue[str] | None]


class InvoiceRows:
    """The rows of one invoice, as they stand with what is known of it at one time and at another."""

    def __init__(self, key: Key) -> None:
        self._key = key
        # By header and lines, as the same values. Whoever asks keeps the revenue, and so them.
        self._said: dict[tuple[int, int], list[SaidPart]] = {}

    def rows(self, held: Held, price_of: PriceOf, name_of: NameOf) -> list[RowParts]:
        """Give the rows; none while only the invoice's lines are known, or once it is deleted."""
        invoice, livemode = held.invoice, self._key[0]
        if invoice.is_deleted or invoice.header is None or invoice.status is None or invoice.lines is None:
            return []
        header, lines, is_complete = invoice.header.value, invoice.lines.value, invoice.is_complete
        name = name_of((livemode, header.customer_id)) if header.customer_id else None
        called = name.register.value if name else None
        shown: dict[str | None, ShownPart] = {}
        rows: list[RowParts] = []
        for said in self._said_of(header, lines):
            price_id = said.price_id
            part = shown.get(price_id)
            if part is None:
                price = price_of((livemode, price_id)) if price_id else None
                change, billing = _latest(held.change, name, price), billing_of(price_id, price)
                part = shown[price_id] = shown_part(called, billing, invoice.status.value, is_complete, change)
            rows.append((said, part))
        return rows

    def _said_of(self, header: InvoiceHeader, lines: tuple[Line, ...]) -> list[SaidPart]:
        known = (id(header), id(lines))
        said = self._said.get(known)
        if said is None:
            head = head_of(self._key, header)
            said = self._said[known] = [said_part(head, line) for line in lines]
        return said


def _latest(change: Change, *others: HeldValue[Any] | None) -> Change:
    for other in others:
        if other is not None and other.change.position > change.position:
            change = other.change
    return change
