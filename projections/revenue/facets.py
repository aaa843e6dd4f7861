"""What lines can be chosen by: customers, subscriptions, prices and products, each with its number of lines. Pure.

What is kept does not depend on the batches in which row changes are added.
"""

from collections.abc import Iterator

from msgspec import Struct

from projections.revenue.row_changes import RowChanges, RowVersion

CUSTOMER, SUBSCRIPTION, PRICE, PRODUCT = FACETS = ("customer", "subscription", "price", "product")
_OF_A_CUSTOMER = frozenset({CUSTOMER, SUBSCRIPTION})


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

    A customer's name and the e-mail address that is its hint are the newest ones. A subscription has its customer's
    name. The hint of anything else is a line's first description, so that it is not written again and again.
    """

    def __init__(self) -> None:
        self._seen: dict[FacetKey, _Seen] = {}

    def add(self, changes: RowChanges) -> None:
        """Add every row that came, and subtract every row that went."""
        for row in changes.ended:
            if row.is_stored:
                for key in _keys(row):
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
        fixed, name = row.fixed, row.variable.customer_name
        at = (row.variable.change.position, fixed.invoice_id, fixed.line_id)
        for key in _keys(row):
            seen = self._seen_of(key)
            seen.line_count += line_count
            is_customer = key[1] == CUSTOMER
            if name is not None and at > seen.named_at and key[1] in _OF_A_CUSTOMER:
                seen.name, seen.named_at = name, at
            hint = fixed.customer_email if is_customer else fixed.description
            if hint is not None and (seen.hint is None or (at > seen.hinted_at) is is_customer):
                seen.hint, seen.hinted_at = hint, at

    def _seen_of(self, key: FacetKey) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
        return seen


def _keys(row: RowVersion) -> list[FacetKey]:
    fixed = row.fixed
    *_, customer_id, subscription_id = fixed.place
    ids = (customer_id, subscription_id, fixed.price_id, fixed.product_id)
    return [(fixed.livemode, facet, str(one)) for facet, one in zip(FACETS, ids, strict=True) if one]
