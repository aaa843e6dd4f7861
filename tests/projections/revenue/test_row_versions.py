"""Each event that changes a row makes one version of it, in however many batches the events are folded."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from events.stripe.observations import (
    CustomerNamed,
    InvoiceDeleted,
    InvoiceHeader,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
    ProductNamed,
    Recurrence,
)
from projections.facts.sightings import Change, Sighting
from projections.revenue.fold import RevenueState
from projections.revenue.row_changes import RowChanges, RowVersion
from projections.revenue.row_versions import changes_of
from tests.support.clock import NOON
from tests.support.payloads import CREATED

# The observations of one event, in live mode; the first has position 1, and each is a second later than the one before.
History = Sequence[list[Observation]]

LINE = Line("il_1", None, "Plan", "usd", 100, 0, 0, CREATED, CREATED + 60, False, "1", "price_q", "prod_1")  # noqa: FBT003
SECOND = replace(LINE, line_id="il_2", price_id=None, product_id=None)
HEADER = InvoiceHeader("cus_1", "Zed Inc", "sub_1", "F00D-0001")
OPEN = InvoiceSeen("in_1", "open", HEADER, (LINE,), is_complete=True)
PAID = replace(OPEN, status="paid")
PART = replace(OPEN, is_complete=False)
MONTHLY = PriceSeen("price_q", Recurrence("month", 1), "plan")
QUARTERLY = PriceSeen("price_q", Recurrence("month", 3), "price")
NAMED = replace(QUARTERLY, name="Every quarter")
PLAN, PLUS = ProductNamed("prod_1", "Plan"), ProductNamed("prod_1", "Plus")
ZED, ZETA = CustomerNamed("cus_1", "Zed", None), CustomerNamed("cus_1", "Zeta", None)


class Version(NamedTuple):
    """What is expected of a row; `until` is None while it is current."""

    line_id: str
    position: int
    until: int | None
    status: str
    name: str | None
    cadence: str
    is_complete: bool = True
    product: str | None = None
    price: str | None = None


def fold(revenue: RevenueState, history: History, first: int = 1, *, livemode: bool = True) -> RevenueState:
    for position, observations in enumerate(history, first):
        revenue.apply(Sighting(Change(position, NOON), livemode, (CREATED + position, 0)), None, observations)
    return revenue


def loaded(revenue: RevenueState) -> RevenueState:
    """Return the state as the next batch loads it, without the changes of this one."""
    state = RevenueState()
    state.invoices, state.prices = dict(revenue.invoices), dict(revenue.prices)
    state.names, state.products = dict(revenue.names), dict(revenue.products)
    return state


def version_of(row: RowVersion, until: int | None) -> Version:
    part = row.variable
    line_id, position, status = row.fixed.line_id, part.change.position, part.invoice_status
    shown = (status, part.names[0], part.billing.cadence, part.is_complete, part.names[1], part.billing.price_name)
    return Version(line_id, position, until, *shown)


def versions(*batches: RowChanges) -> list[Version]:
    """Return all row versions that the batches made: later batches end rows of earlier ones."""
    ended = [row for changes in batches for row in changes.ended]
    gone = {row.text for row in ended if row.is_stored}
    current = [row for changes in batches for row in changes.current if row.text not in gone]
    return sorted([version_of(row, row.until) for row in ended] + [version_of(row, None) for row in current])


HISTORIES: dict[str, tuple[History, list[Version]]] = {
    "an invoice with known price and name comes": (
        [[QUARTERLY], [ZED], [OPEN]],
        [Version("il_1", 3, None, "open", "Zed", "quarterly")],
    ),
    "its price changes": (
        [[OPEN], [MONTHLY], [QUARTERLY]],
        [
            Version("il_1", 1, 2, "open", None, "unknown"),
            Version("il_1", 2, 3, "open", None, "monthly"),
            Version("il_1", 3, None, "open", None, "quarterly"),
        ],
    ),
    "its customer's name changes": (
        [[OPEN, ZED], [ZETA]],
        [Version("il_1", 1, 2, "open", "Zed", "unknown"), Version("il_1", 2, None, "open", "Zeta", "unknown")],
    ),
    "one event changes price, name and status": (
        [[OPEN], [PAID, QUARTERLY, ZED]],
        [Version("il_1", 1, 2, "open", None, "unknown"), Version("il_1", 2, None, "paid", "Zed", "quarterly")],
    ),
    "a price changes that only one of its lines has": (
        [[replace(OPEN, lines=(LINE, SECOND))], [QUARTERLY]],
        [
            Version("il_1", 1, 2, "open", None, "unknown"),
            Version("il_1", 2, None, "open", None, "quarterly"),
            Version("il_2", 1, None, "open", None, "one_time"),
        ],
    ),
    "its product and its price are named, and its product renamed": (
        [[OPEN], [PLAN], [NAMED], [PLUS]],
        [
            Version("il_1", 1, 2, "open", None, "unknown"),
            Version("il_1", 2, 3, "open", None, "unknown", product="Plan"),
            Version("il_1", 3, 4, "open", None, "quarterly", product="Plan", price="Every quarter"),
            Version("il_1", 4, None, "open", None, "quarterly", product="Plus", price="Every quarter"),
        ],
    ),
    "an invoice with a known product comes": (
        [[PLAN], [OPEN]],
        [Version("il_1", 2, None, "open", None, "unknown", product="Plan")],
    ),
    "a price loses its name": (
        [[OPEN, NAMED], [QUARTERLY]],
        [
            Version("il_1", 1, 2, "open", None, "quarterly", price="Every quarter"),
            Version("il_1", 2, None, "open", None, "quarterly"),
        ],
    ),
    "it is deleted": ([[OPEN], [InvoiceDeleted("in_1")]], [Version("il_1", 1, 2, "open", None, "unknown")]),
    "it is deleted before it comes": ([[InvoiceDeleted("in_1")], [OPEN], [QUARTERLY]], []),
    "a part of its lines is completed": (
        [[PART], [InvoiceLinesSeen("in_1", (LINE, SECOND))]],
        [
            Version("il_1", 1, 2, "open", None, "unknown", is_complete=False),
            Version("il_1", 2, None, "open", None, "unknown"),
            Version("il_2", 2, None, "open", None, "one_time"),
        ],
    ),
    "its lines come before it": (
        [[InvoiceLinesSeen("in_1", (LINE,))], [QUARTERLY], [PART]],
        [Version("il_1", 3, None, "open", None, "quarterly")],
    ),
    "a line leaves it": (
        [[replace(OPEN, lines=(LINE, SECOND))], [OPEN]],
        [Version("il_1", 1, 2, "open", None, "unknown"), Version("il_1", 2, None, "open", None, "unknown"),
         Version("il_2", 1, 2, "open", None, "one_time")],
    ),
    "events repeat what is known": (
        [[OPEN, ZED, QUARTERLY], [OPEN], [ZED], [QUARTERLY], [PART]],
        [Version("il_1", 1, None, "open", "Zed", "quarterly")],
    ),
    "a price and a customer change that it does not refer to": (
        [[OPEN], [replace(QUARTERLY, price_id="price_m"), replace(ZED, customer_id="cus_2")]],
        [Version("il_1", 1, None, "open", None, "unknown")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("history", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_each_event_that_changes_a_row_makes_one_version(history: History, expected: list[Version]) -> None:
    assert versions(changes_of(fold(RevenueState(), history)).rows) == expected


@pytest.mark.parametrize(("history", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_a_history_cut_into_two_batches_makes_the_same_versions(history: History, expected: list[Version]) -> None:
    for cut in range(1, len(history)):
        first = fold(RevenueState(), history[:cut])
        second = fold(loaded(first), history[cut:], cut + 1)

        assert versions(changes_of(first).rows, changes_of(second).rows) == expected, cut


def test_prices_and_names_of_the_other_mode_change_no_row() -> None:
    revenue = fold(fold(RevenueState(), [[OPEN]]), [[QUARTERLY, ZED]], 2, livemode=False)

    assert versions(changes_of(revenue).rows) == [Version("il_1", 1, None, "open", None, "unknown")]
