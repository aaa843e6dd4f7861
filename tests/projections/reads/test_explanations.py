"""An explanation of a fact has one sentence for each thing that it did to a line or did not do, with the reason."""

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
    Unreadable,
)
from projections.facts.facts import Fact
from projections.facts.sightings import Change, Sighting
from projections.reads.explanations import Explainer
from projections.revenue.row import Row
from tests.support.clock import NOON
from tests.support.payloads import CREATED

LINE = Line("il_1", None, "Plan", "usd", 100, 0, 0, CREATED, CREATED + 60, False, "1", "price_q", None)  # noqa: FBT003
OTHER_LINE = replace(LINE, line_id="il_2")
HEADER = InvoiceHeader("cus_1", "Zed Inc", "sub_1", "F00D-0001")
OTHER_HEADER = replace(HEADER, number="F00D-0002")
OPEN = InvoiceSeen("in_1", "open", HEADER, (LINE,), is_complete=True)
PAID, VOID = replace(OPEN, status="paid"), replace(OPEN, status="void")
PART = replace(OPEN, is_complete=False)
OTHER_LINES, OTHER_PART = replace(OPEN, lines=(OTHER_LINE,)), replace(PART, lines=(OTHER_LINE,))
WHOLE_SET, OTHER_SET = InvoiceLinesSeen("in_1", (LINE,)), InvoiceLinesSeen("in_1", (LINE, OTHER_LINE))
ROW = Row._make([None] * len(Row._fields))._replace(
    customer_id="cus_1", customer_name="Zed", price_id="price_q", product_id="prod_1", cadence="quarterly"
)
NEWER = "a newer version of the invoice was already known"
SAME_SECOND = "another event of the same second differs, so we ask Stripe"
NOTHING = ["This event says nothing about this line."]


def fact(observation: Observation, second: int, *, livemode: bool = True) -> Fact:
    return Fact(Sighting(Change(second, NOON), livemode, (CREATED + second, 0)), None, [observation])


def reasons(
    known: Observation | None,
    seen: Observation,
    *,
    second: int = 5,
    before: Row | None = None,
    after: Row | None = None,
) -> list[str]:
    """Return the reasons for a fact seen in this second, given one that was seen in second 3."""
    explainer = Explainer((True, "in_1"))
    if known:
        explainer.reasons(fact(known, 3), None, None)
    return explainer.reasons(fact(seen, second), before, after)


def test_fact_of_the_other_mode_is_only_that() -> None:
    explainer = Explainer((True, "in_1"))

    assert explainer.reasons(fact(OPEN, 3, livemode=False), None, None) == ["This event is in the other mode."]
    assert explainer.reasons(fact(OPEN, 5), None, None)[0] == "First known status: open."


def test_first_fact_about_an_invoice_is_the_first_to_tell_all_of_it() -> None:
    assert reasons(None, OPEN) == [
        "First known status: open.",
        "First known lines: the whole line set.",
        "First known customer and number.",
    ]


@pytest.mark.parametrize(
    ("known", "seen", "second", "reason"),
    [
        (OPEN, OPEN, 5, "The status was already open."),
        (OPEN, PAID, 5, "The status went from open to paid."),
        (OPEN, PAID, 1, "The status went from open to paid."),
        (PAID, OPEN, 5, "The status open was ignored: a status never goes back, and it is already paid."),
        (PAID, VOID, 1, f"The status void was ignored: {NEWER}. It stays paid."),
        (VOID, PAID, 3, f"The status paid was ignored: {SAME_SECOND}. It stays void."),
    ],
)
def test_status_is_explained_by_its_climbing_and_its_age(
    known: InvoiceSeen, seen: InvoiceSeen, second: int, reason: str
) -> None:
    assert reasons(known, seen, second=second)[0] == reason


@pytest.mark.parametrize(
    ("known", "seen", "second", "reason"),
    [
        (None, PART, 5, "First known lines: the part of the lines."),
        (OPEN, OPEN, 5, "Its whole line set was already known."),
        (PART, PART, 5, "Its part of the lines was already known."),
        (PART, OPEN, 5, "The same lines, as a whole line set."),
        (OPEN, PART, 5, "The same lines, as a part of the lines."),
        (OPEN, OTHER_LINES, 5, "Its whole line set replaced what was known: it is newer."),
        (PART, OTHER_PART, 5, "Its part of the lines replaced what was known: it is newer."),
        (PART, OTHER_LINES, 1, "Its whole line set replaced what was known: it is complete."),
        (OPEN, OTHER_PART, 5, "Its lines were ignored: a part never replaces the whole line set."),
        (OPEN, OTHER_LINES, 1, f"Its lines were ignored: {NEWER}."),
        (PART, OTHER_PART, 1, f"Its lines were ignored: {NEWER}."),
    ],
)
def test_lines_are_explained_by_completeness_and_age(
    known: InvoiceSeen | None, seen: InvoiceSeen, second: int, reason: str
) -> None:
    assert reasons(known, seen, second=second)[1] == reason


@pytest.mark.parametrize(
    ("known", "seen", "reason"),
    [
        (None, WHOLE_SET, "First known lines: the whole line set."),
        (OPEN, WHOLE_SET, "Its whole line set was already known."),
        (PART, WHOLE_SET, "The same lines, as a whole line set."),
        (PART, OTHER_SET, "Its whole line set replaced what was known: it is complete."),
        (OPEN, InvoiceDeleted("in_1"), "The invoice was deleted: its lines left the table for good."),
    ],
)
def test_line_sets_and_deletions_have_one_reason(known: InvoiceSeen | None, seen: Observation, reason: str) -> None:
    assert reasons(known, seen) == [reason]


@pytest.mark.parametrize(
    ("header", "second", "reason"),
    [
        (HEADER, 5, "Customer and number were already known."),
        (OTHER_HEADER, 5, "Customer and number come from this newer version."),
        (replace(HEADER, number="F00D-0000"), 3, f"Customer and number were ignored: {SAME_SECOND}."),
        (OTHER_HEADER, 1, f"Customer and number were ignored: {NEWER}."),
    ],
)
def test_header_is_explained_by_its_age(header: InvoiceHeader, second: int, reason: str) -> None:
    assert reasons(OPEN, replace(OPEN, header=header), second=second)[2] == reason


@pytest.mark.parametrize(
    ("seen", "before", "after", "reason"),
    [
        (CustomerNamed("cus_1", "Zed", None), ROW, ROW, "The customer's name was already known."),
        (CustomerNamed("cus_1", "Zed", None), None, ROW, "The customer's name is known from this: 'Zed'."),
        (
            CustomerNamed("cus_1", "Zed", None),
            ROW._replace(customer_name="Zeta"),
            ROW,
            "The customer's name is known from this: 'Zed'.",
        ),
        (
            CustomerNamed("cus_1", "Zeta", None),
            ROW,
            ROW,
            "The customer's name 'Zeta' was ignored: a newer or more reliable one was already known.",
        ),
        (
            PriceSeen("price_q", Recurrence("month", 3), "price"),
            ROW._replace(cadence="unknown"),
            ROW,
            "The price's cadence is known from this: 'quarterly'.",
        ),
        (PriceSeen("price_q", Recurrence("month", 3), "price"), ROW, ROW, "The price's cadence was already known."),
        (
            PriceSeen("price_q", Recurrence("month", 1), "plan"),
            ROW,
            ROW,
            "The price's cadence 'monthly' was ignored: a newer or more reliable one was already known.",
        ),
        (
            PriceSeen("price_q", None, "price"),
            ROW._replace(cadence="unknown"),
            ROW._replace(cadence="one_time"),
            "The price's cadence is known from this: 'one_time'.",
        ),
        (
            ProductNamed("prod_1", "Plan"),
            ROW._replace(product_name=None),
            ROW._replace(product_name="Plan"),
            "The product's name is known from this: 'Plan'.",
        ),
        (Unreadable("the currency is missing"), ROW, ROW, "The event couldn't be read: the currency is missing."),
        (CustomerNamed("cus_1", "Zed", None), ROW, None, "The customer's name was already known."),
    ],
)
def test_names_and_cadence_are_explained_by_the_row_before_and_after(
    seen: Observation, before: Row | None, after: Row | None, reason: str
) -> None:
    assert reasons(None, seen, before=before, after=after) == [reason]


@pytest.mark.parametrize(
    ("name", "before", "after", "reason"),
    [
        ("Q", None, "Q", "The price's name is known from this: 'Q'."),
        (None, "Q", None, "The price has no name any more."),
        (None, "Q", "Q", "That the price has no name was ignored: a newer or more reliable event names it 'Q'."),
    ],
)
def test_name_of_a_price_is_explained_after_its_cadence(
    name: str | None, before: str | None, after: str | None, reason: str
) -> None:
    seen = PriceSeen("price_q", Recurrence("month", 3), "price", name)
    rows = (ROW._replace(price_name=before), ROW._replace(price_name=after))

    assert reasons(None, seen, before=rows[0], after=rows[1]) == ["The price's cadence was already known.", reason]


@pytest.mark.parametrize(
    "seen",
    [
        replace(OPEN, invoice_id="in_2"),
        InvoiceDeleted("in_2"),
        CustomerNamed("cus_2", "Zed", None),
        PriceSeen("price_m", Recurrence("month", 1), "price"),
    ],
)
def test_a_fact_about_other_things_tells_nothing_of_the_line(seen: Observation) -> None:
    assert reasons(OPEN, seen, before=ROW, after=ROW) == NOTHING


def test_a_name_or_price_before_the_line_came_tells_nothing_of_it() -> None:
    assert reasons(None, CustomerNamed("cus_1", "Zed", None)) == NOTHING


def test_a_fact_of_the_other_mode_does_not_count_as_known() -> None:
    explainer = Explainer((True, "in_1"))
    explainer.reasons(fact(OPEN, 3, livemode=False), None, None)

    assert explainer.reasons(fact(PAID, 5), None, None)[0] == "First known status: paid."
