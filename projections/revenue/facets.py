"""What lines can be chosen by: the customers, subscriptions, prices and products that lines have or had. Pure.

What is kept does not depend on the batches in which row changes are added.
"""

from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from projections.revenue.row_changes import RowChanges, RowVersion

CUSTOMER, SUBSCRIPTION, PRICE, PRODUCT = ("customer", "subscription", "price", "product")


# The mode, the facet, and the id of a customer, subscription, price or product; with its name and its hint.
FacetKey = tuple[bool, str, str]
Facet = tuple[FacetKey, str | None, str | None]


class _Seen(Struct, gc=False):
    name: str | None = None
    named_at: tuple[int, str, str] = (0, "", "")
    hint: str | None = None
    hinted_at: tuple[int, str, str] = (0, "", "")


class FacetChanges:
    """What is new in row changes: ids that lines have, their names, and hints. Most changes of a row bring nothing new.

    A version of a row brings what the one before it did not have. Names are the newest ones that lines brought, and so
    is the e-mail address that is a customer's hint. A subscription has its customer's name. The hint of anything else
    is a line's first description, so that it is not written again and again.
    """

    def __init__(self) -> None:
        self._seen: dict[FacetKey, _Seen] = {}

    def add(self, changes: RowChanges) -> None:
        """Add what every new version of a row brought."""
        last_versions: dict[int, RowVersion] = {}  # by the identity of the line's life
        for row in chain(changes.ended, changes.current):
            last = last_versions.get(id(row.life))
            last_versions[id(row.life)] = row
            if not row.is_stored:
                self._note(row, last)

    def __iter__(self) -> Iterator[tuple[FacetKey, str | None, str | None]]:
        """Yield each facet that may be new with its newest name and its hint; None is no news."""
        for key, seen in sorted(self._seen.items()):
            yield key, seen.name, seen.hint

    def _note(self, row: RowVersion, last: RowVersion | None) -> None:
        at = (row.variable.change.position, row.fixed.invoice_id, row.fixed.line_id)
        for key, name, hint in _brought_by(row, last):
            seen = self._seen.get(key)
            if seen is None:
                seen = self._seen[key] = _Seen()
            if name is not None and at > seen.named_at:
                seen.name, seen.named_at = name, at
            if hint is not None and (seen.hint is None or (at > seen.hinted_at) is (key[1] == CUSTOMER)):
                seen.hint, seen.hinted_at = hint, at


def _brought_by(row: RowVersion, last: RowVersion | None) -> list[Facet]:
    if last is None:
        return _facets_of(row)
    now, then = row.variable, last.variable
    if row.fixed is last.fixed and now.names == then.names and now.billing.price_name == then.billing.price_name:
        return []
    known = _facets_of(last)
    return [facet for facet in _facets_of(row) if facet not in known]


def _facets_of(row: RowVersion) -> list[Facet]:
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
