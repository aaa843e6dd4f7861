"""Derive the rows of an invoice from the invoice, its prices and the names of its customer and products. Pure."""

from collections.abc import Callable
from typing import Any

from events.stripe.observations import InvoiceHeader, Line
from projections.facts.sightings import Change
from projections.revenue.credits import credited_amounts
from projections.revenue.row import billing_of
from projections.revenue.row_parts import FixedPart, Names, RowParts, VariablePart, fixed_part, head_of, variable_part
from projections.revenue.state import Held, HeldValue, Key, Name, PricedAs

PriceOf = Callable[[Key], HeldValue[PricedAs] | None]
NameOf = Callable[[Key], HeldValue[Name] | None]


class InvoiceRows:
    """The rows of one invoice, derived from what is known of it at different positions."""

    def __init__(self, key: Key) -> None:
        self._key = key
        # By the identity of header and lines: the caller's state keeps both objects alive.
        self._fixed: dict[tuple[int, int], list[FixedPart]] = {}

    def rows(self, held: Held, price_of: PriceOf, name_of: NameOf, product_of: NameOf) -> list[RowParts]:
        """Return the rows: none while only the invoice's lines are known, or once the invoice is deleted."""
        invoice, livemode = held.invoice, self._key[0]
        if invoice.is_deleted or invoice.header is None or invoice.status is None or invoice.lines is None:
            return []
        header, lines, is_complete = invoice.header.value, invoice.lines.value, invoice.is_complete
        name = name_of((livemode, header.customer_id)) if header.customer_id else None
        customer_name = name.register.value if name else None
        credited = credited_amounts(invoice) if invoice.credit_notes else {}
        variable: dict[tuple[object, ...], VariablePart] = {}
        rows: list[RowParts] = []
        for fixed in self._fixed_of(header, lines):
            price_id, product_id = sold = fixed.sold
            amount = credited.get(fixed.line_id, 0) if credited else 0
            shared = (*sold, amount) if amount else sold
            part = variable.get(shared)
            if part is None:
                price = price_of((livemode, price_id)) if price_id else None
                product = product_of((livemode, product_id)) if product_id else None
                names = Names(customer_name, product.register.value if product else None, header.customer_email)
                change, billing = _latest(held.change, name, price, product), billing_of(price_id, price)
                part = variable_part(names, billing, invoice.status.value, is_complete, change, amount)
                variable[shared] = part
            rows.append((fixed, part))
        return rows

    def _fixed_of(self, header: InvoiceHeader, lines: tuple[Line, ...]) -> list[FixedPart]:
        identity = (id(header), id(lines))
        fixed = self._fixed.get(identity)
        if fixed is None:
            head = head_of(self._key, header)
            fixed = self._fixed[identity] = [fixed_part(head, line) for line in lines]
        return fixed


def _latest(change: Change, *others: HeldValue[Any] | None) -> Change:
    for other in others:
        if other is not None and other.change.position > change.position:
            change = other.change
    return change
