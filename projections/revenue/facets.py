"""What lines can be chosen by: customers, subscriptions, prices and products, each with its number of lines. Pure.

What is kept does not depend on the batches in which row changes are added.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from projections.revenue.row_changes import RowChanges, RowVersion

CUSTOMER, SUBSCRIPTION, PRICE, PRODUCT = FACETS = ("customer", "subscription", "price", "product")
_OF_A_CUSTOMER = frozenset({CUSTOMER, SUBSCRIPTION})


class FacetKey(NamedTuple):
    """A customer, subscription, price or product of a mode."""

    livemode: bool
    facet: str
    id: str


class _Seen(Struct, gc=False):
    line_count: int = 0
    name: str | None = None
    named_at: tuple[int, str, str] = (0, "", "")
    hint: str | None = None
    hinted_at: tuple[int, str, str] = (0, "", "")


class FacetChanges:
    """What row changes add to the facets: lines that came and went, newest names, and hints.

    A customer's name and the e-mail address that is its hint are the newest ones. A subscription has its customer's
    name. The hint of anything else is a line's first description, so that it is not written again and again.
    """

    def __init__(self) -> None:
        self._seen: dict[FacetKey, _Seen] = {}

    def add(self, changes: RowChanges) -> None:
        """Add every row that came, and subtract every row that went."""
        for row in changes.ended:
            if not row.is_stored:
                self._note(row, 0)  # came and went: it is counted no longer, but it had a name
                continue
            for key in _keys(row):
                self._seen.setdefault(key, _Seen()).line_count -= 1
        for row in changes.current:
            self._note(row, 1)

    def __iter__(self) -> Iterator[tuple[FacetKey, int, str | None, str | None]]:
        """Yield each facet with the number of lines to add, its newest name, and its hint; None is no news."""
        for key, seen in sorted(self._seen.items()):
            yield key, seen.line_count, seen.name, seen.hint

    def _note(self, row: RowVersion, line_count: int) -> None:
        at = (row.variable.change.position, row.fixed.invoice_id, row.fixed.line_id)
        for key in _keys(row):
            seen = self._seen.setdefault(key, _Seen())
            seen.line_count += line_count
            if key.facet in _OF_A_CUSTOMER and row.variable.customer_name is not None and at > seen.named_at:
                seen.name, seen.named_at = row.variable.customer_name, at
            hint = row.fixed.customer_email if key.facet == CUSTOMER else row.fixed.description
            if hint is not None and (seen.hint is None or (at > seen.hinted_at) is (key.facet == CUSTOMER)):
                seen.hint, seen.hinted_at = hint, at


def _keys(row: RowVersion) -> Iterator[FacetKey]:
    fixed = row.fixed
    *_, customer_id, subscription_id = fixed.place
    for facet, facet_id in zip(FACETS, (customer_id, subscription_id, fixed.price_id, fixed.product_id), strict=True):
        if facet_id:
            yield FacetKey(fixed.livemode, facet, str(facet_id))
