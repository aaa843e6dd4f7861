"""What lines can be chosen by: customers, subscriptions, prices and products, each with its number of lines. Pure.

What is kept does not depend on the batches in which row changes are added.
"""

from collections.abc import Iterator

from msgspec import Struct

from projections.revenue.row_changes import RowChanges, RowVersion

CUSTOMER, SUBSCRIPTION, PRICE, PRODUCT = ("customer", "subscription", "price", "product")


# The mode, the facet, and the id of a customer, subscription, price or product.
FacetKey = tuple[bool, str, str]


class _Seen(Struct, gc=False):
    line_count: int = 0
    name: str | None = None
    named_at: tuple[int, str, str] = (0, "", "")
    hint: str | None = None
    hinted_at: tuple[int, str, str] = (0, "", "")


class FacetChanges:
    """What row changes add to the facets: lines that came and went, newest names, and hints.

    Names are the newest ones that lines have, and so is the e-mail address that is a customer's hint. A subscription
    has its customer's name. The hint of anything else is a line's first description, so that it is not written again
    and again.
    """

    def __init__(self) -> None:
        self._seen: dict[FacetKey, _Seen] = {}

    def add(self, changes: RowChanges) -> None:
        """Add every row that came, and subtract every row that went."""
        for row in changes.ended:
            if row.is_stored:
                for key, _, _ in _facets_of(row):
                    self._seen_of(key).line_count -= 1
            else:
                self._note(row, 0)  # came and went: it is counted no longer, but it had a name
        for row in changes.current:
            self._note(row, 1)

    def __iter__(self) -> Iterator[tuple[FacetKey, int, str | None, str | None]]:
        """Yield each facet with the number of lines to add, its newest name, and its hint; None is no news."""
        for key, seen in sorted(self._seen.items()):
            yield key, seen.line_count, seen.name, seen.hint

    def _note(self, row: RowVersion, line_count: int) -> None:
        at = (row.variable.change.position, row.fixed.invoice_id, row.fixed.line_id)
        for key, name, hint in _facets_of(row):
            seen = self._seen_of(key)
            seen.line_count += line_count
            if name is not None and at > seen.named_at:
                seen.name, seen.named_at = name, at
            if hint is not None and (seen.hint is None or (at > seen.hinted_at) is (key[1] == CUSTOMER)):
                seen.hint, seen.hinted_at = hint, at

    def _seen_of(self, key: FacetKey) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
        return seen


def _facets_of(row: RowVersion) -> list[tuple[FacetKey, str | None, str | None]]:
    """Return what a row can be chosen by, each with its name and its hint."""
    fixed, names = row.fixed, row.variable.names
    price_id, product_id = fixed.sold
    *_, customer_id, subscription_id = fixed.place
    each = (
        (CUSTOMER, customer_id, names.customer, names.email),
        (SUBSCRIPTION, subscription_id, names.customer, fixed.description),
        (PRICE, price_id, row.variable.billing.price_name, fixed.description),
        (PRODUCT, product_id, names.product, fixed.description),
    )
    return [((fixed.livemode, facet, str(one)), name, hint) for facet, one, name, hint in each if one]
