"""What is known of invoices and credit notes: what of it tables show, and what Stripe should be asked for."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from events.stripe.details import CustomerDetails, InvoiceDetails, PriceDetails
from events.stripe.observations import (
    CreditNoteHeader,
    CreditNoteLine,
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CreditNoteStatus,
    CustomerNamed,
    CustomerSeen,
    InvoiceDeleted,
    InvoiceHeader,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
    ProductNamed,
    Recurrence,
    StatusDates,
)
from projections.facts.sightings import Change, Sighting
from projections.revenue.fold import RevenueState
from projections.revenue.register import Register
from projections.revenue.state import CreditNoteState, InvoiceState
from tests.support.clock import NOON
from tests.support.payloads import CREATED

LINE = Line("il_1", None, "Plan", "usd", 100, 0, 0, CREATED, CREATED + 60, False, "1", None, None)  # noqa: FBT003
HEADER = InvoiceHeader("cus_1", "Zed Inc", None, "F00D-0001")
NOTE_HEADER = CreditNoteHeader("CN-1", "usd", 10, CREATED)
NOTE_LINE = CreditNoteLine("cnli_1", "il_1", 10)
NOTE = CreditNoteState(
    Register(CreditNoteStatus("issued", None), (0, CREATED, 0)),
    Register(NOTE_HEADER, (CREATED, 0)),
    Register((NOTE_LINE,), (1, CREATED, 0)),
)
INVOICE = InvoiceState(
    Register("open", (0, CREATED, 0)),
    Register(HEADER, (CREATED, 0)),
    Register((LINE,), (1, CREATED, 0)),
    credit_notes={"cn_1": NOTE},
    dates=Register(StatusDates(CREATED), (1, 0, CREATED, 0)),
    seen_at={"void": CREATED},
)


def noted(**changed: object) -> InvoiceState:
    return replace(INVOICE, credit_notes={"cn_1": replace(NOTE, **changed)})


SHOWN = {
    "a status": replace(INVOICE, status=Register("paid", (2, CREATED, 0))),
    "no status": replace(INVOICE, status=None),
    "a header": replace(INVOICE, header=Register(replace(HEADER, number="F00D-0002"), (CREATED, 0))),
    "no header": replace(INVOICE, header=None),
    "a line": replace(INVOICE, lines=Register((replace(LINE, amount=200),), (1, CREATED, 0))),
    "no lines": replace(INVOICE, lines=None),
    "a part of the lines": replace(INVOICE, lines=Register((LINE,), (0, CREATED, 0))),
    "deletion": replace(INVOICE, is_deleted=True),
    "dates": replace(INVOICE, dates=Register(StatusDates(CREATED + 1), (1, 0, CREATED, 0))),
    "no dates": replace(INVOICE, dates=None),
    "times of events": replace(INVOICE, seen_at={}),
    "no credit note": replace(INVOICE, credit_notes={}),
    "another credit note": replace(INVOICE, credit_notes={"cn_2": NOTE}),
    "one more credit note": replace(INVOICE, credit_notes={"cn_1": NOTE, "cn_2": NOTE}),
    "a credit note's status": noted(status=Register(CreditNoteStatus("void", None), (1, CREATED, 0))),
    "a credit note's header": noted(header=Register(replace(NOTE_HEADER, amount=9), (CREATED, 0))),
    "a credit note's line": noted(lines=Register((replace(NOTE_LINE, amount=9),), (1, CREATED, 0))),
    "a part of a credit note's lines": noted(lines=Register((NOTE_LINE,), (0, CREATED, 0))),
    "a credit note without status": noted(status=None),
    "a credit note without header": noted(header=None),
    "a credit note without lines": noted(lines=None),
}

NOT_SHOWN = {
    "stamps": replace(
        INVOICE,
        status=Register("open", (0, CREATED + 1, 1), is_contested=True),
        header=Register(replace(HEADER), (CREATED + 1, 0)),
        lines=Register((replace(LINE),), (1, CREATED + 1, 0)),
        dates=Register(StatusDates(CREATED), (1, 1, CREATED, 0)),
    ),
    "a credit note's stamps": noted(
        status=Register(CreditNoteStatus("issued", None), (0, CREATED + 1, 0)),
        header=Register(replace(NOTE_HEADER), (CREATED + 1, 0)),
        lines=Register((replace(NOTE_LINE),), (1, CREATED + 1, 0), is_contested=True),
    ),
    "details": replace(INVOICE, details=InvoiceDetails(), line_metadata={"il_1": (("region", "emea"),)}),
}


@pytest.mark.parametrize("other", SHOWN.values(), ids=SHOWN)
def test_states_that_differ_in_what_a_table_shows_do_not_show_the_same(other: InvoiceState) -> None:
    assert not INVOICE.shows_the_same_as(other)
    assert not other.shows_the_same_as(INVOICE)
    assert other.shows_the_same_as(replace(other))


@pytest.mark.parametrize("other", NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_states_that_differ_in_nothing_that_a_table_shows_show_the_same(other: InvoiceState) -> None:
    assert INVOICE.shows_the_same_as(other)
    assert other.shows_the_same_as(INVOICE)


WHOLE = InvoiceSeen("in_1", "open", HEADER, (LINE,), is_complete=True)
PART = replace(WHOLE, is_complete=False)
ALL_LINES = InvoiceLinesSeen("in_1", (LINE,))
GONE = InvoiceDeleted("in_1")
OF_PRODUCT = replace(WHOLE, lines=(replace(LINE, product_id="prod_1"),))
NOTED = CreditNoteSeen(
    "in_1", "cn_1", CreditNoteStatus("issued", None), NOTE_HEADER, (NOTE_LINE,), is_complete=True
)  # fmt: skip
NOTED_IN_PART = replace(NOTED, is_complete=False)
ALL_NOTE_LINES = CreditNoteLinesSeen("in_1", "cn_1", (NOTE_LINE,))
PRICE = PriceSeen("price_1", Recurrence("month", 1), "price")
PRODUCT = ProductNamed("prod_1", "Plan")
CUSTOMER = CustomerNamed("cus_1", "Zed", None)

# Facts with their seconds, and whether the lines of the invoice and the invoice itself should be fetched.
History = Sequence[tuple[int, Observation]]
OF_INVOICES: dict[str, tuple[History, tuple[bool, bool]]] = {
    "all of it": ([(1, WHOLE)], (False, False)),
    "a part of its lines": ([(1, PART)], (True, False)),
    "a part, then all lines": ([(1, PART), (2, ALL_LINES)], (False, False)),
    "all lines, then a part": ([(1, WHOLE), (2, PART)], (False, False)),
    "a part, then its deletion": ([(1, PART), (2, GONE)], (False, False)),
    "lines that no invoice has": ([(1, ALL_LINES)], (False, False)),
    "two statuses of a second": ([(1, replace(WHOLE, status=one)) for one in ("paid", "void")], (False, True)),
    "two headers of a second": ([(1, WHOLE), (1, replace(WHOLE, header=replace(HEADER, number=None)))], (False, True)),
    "two line sets of a second": ([(1, WHOLE), (1, replace(WHOLE, lines=()))], (False, True)),
    "two parts of a second": ([(1, PART), (1, replace(PART, lines=()))], (True, True)),
    "a contradiction, then another fact": ([(1, WHOLE), (1, replace(WHOLE, lines=())), (2, WHOLE)], (False, False)),
    "a contradiction, then its deletion": ([(1, WHOLE), (1, replace(WHOLE, lines=())), (2, GONE)], (False, False)),
    "a credit note that waits for it": ([(1, NOTED)], (False, True)),
    "a credit note and its invoice": ([(1, NOTED), (2, WHOLE)], (False, False)),
}  # fmt: skip
OF_NOTES: dict[str, tuple[History, bool, bool]] = {
    "all of it": ([(1, NOTED)], False, False),
    "a part of its lines": ([(1, NOTED_IN_PART)], True, False),
    "a part, then all lines": ([(1, NOTED_IN_PART), (2, ALL_NOTE_LINES)], False, False),
    "only its lines": ([(1, ALL_NOTE_LINES)], True, False),
    "two statuses of a second": (
        [(1, NOTED), (1, replace(NOTED, status=CreditNoteStatus("issued", CREATED)))],
        True,
        True,
    ),
    "two headers of a second": ([(1, NOTED), (1, replace(NOTED, header=replace(NOTE_HEADER, amount=9)))], True, True),
    "two line sets of a second": ([(1, NOTED), (1, replace(NOTED, lines=()))], True, True),
}
OF_OTHERS: dict[str, tuple[History, bool]] = {
    "two of one second about a price": ([(1, PRICE), (1, replace(PRICE, name="Monthly"))], True),
    "two of two seconds about a price": ([(1, PRICE), (2, replace(PRICE, name="Monthly"))], False),
    "a product that nothing has named": ([(1, OF_PRODUCT)], True),
    "a product that only later lines refer to": ([(1, WHOLE), (2, OF_PRODUCT)], True),
    "a product that is named before": ([(1, PRODUCT), (2, OF_PRODUCT)], False),
    "a product that is named later": ([(1, OF_PRODUCT), (2, PRODUCT)], False),
    "two of one second about a product": ([(1, PRODUCT), (1, replace(PRODUCT, name="Plus"))], True),
    "two of one second about a customer": ([(1, CUSTOMER), (1, replace(CUSTOMER, name="Zeta"))], True),
    "one about a customer": ([(1, CUSTOMER)], False),
}
SETTLED: History = [
    (1, replace(WHOLE, invoice_id="in_2")),
    (1, replace(PRICE, price_id="price_2")),
    (1, replace(PRODUCT, product_id="prod_2")),
    (1, replace(CUSTOMER, customer_id="cus_2")),
]


def fold(history: History) -> RevenueState:
    revenue = RevenueState()
    for position, (second, observation) in enumerate(history, 1):
        revenue.apply(Sighting(Change(position, NOON), True, (CREATED + second, 0)), None, [observation])  # noqa: FBT003
    return revenue


@pytest.mark.parametrize(("history", "gaps"), OF_INVOICES.values(), ids=OF_INVOICES)
def test_stripe_is_asked_for_what_is_missed_of_an_invoice(history: History, gaps: tuple[bool, bool]) -> None:
    revenue = fold([*SETTLED, *history])

    assert revenue.invoices[True, "in_1"].invoice.gaps == gaps
    assert revenue.has_gaps == any(gaps)


@pytest.mark.parametrize(("history", "is_gap", "is_contested"), OF_NOTES.values(), ids=OF_NOTES)
def test_stripe_is_asked_for_what_is_missed_of_a_credit_note(
    history: History, is_gap: bool, is_contested: bool  # noqa: FBT001
) -> None:  # fmt: skip
    settled = replace(NOTED, note_id="cn_2")
    revenue = fold([*SETTLED, (0, WHOLE), (0, settled), *history])
    invoice = revenue.invoices[True, "in_1"].invoice

    assert invoice.credit_notes["cn_1"].is_gap == is_gap
    assert invoice.contested_notes == ({"cn_1"} if is_contested else set())
    assert invoice.gaps == (False, False)
    assert revenue.has_gaps == is_gap


@pytest.mark.parametrize(("history", "has_gaps"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_stripe_is_asked_for_what_is_unknown_or_contested_of_what_invoices_refer_to(
    history: History, has_gaps: bool  # noqa: FBT001
) -> None:  # fmt: skip
    assert fold([*SETTLED, *history]).has_gaps == has_gaps


def test_nothing_is_asked_for_that_no_fact_touched() -> None:
    revenue = RevenueState()
    revenue.invoices = fold([(1, PART)]).invoices

    assert not revenue.has_gaps


@pytest.mark.parametrize(("second", "name"), [(1, "Zeta"), (2, "Abe"), (3, "Abe")])
def test_a_customer_of_the_same_second_names_itself_better_than_an_invoice_does(second: int, name: str) -> None:
    on_invoice, itself = replace(CUSTOMER, name="Zeta", named_at=CREATED + 2), replace(CUSTOMER, name="Abe")
    history = [(9, on_invoice), (second, itself)]

    found = [fold(order).names[True, "cus_1"].register for order in (history, history[::-1])]

    assert [(one.value, one.is_contested) for one in found] == [(name, False)] * 2


def test_of_what_a_fact_says_twice_about_a_price_one_state_is_kept() -> None:
    revenue, key = fold([(1, PRICE)]), (True, "price_1")
    first, last = (replace(PRICE, name=name, details=PriceDetails(name)) for name in ("Monthly", "Once a month"))
    revenue.apply(Sighting(Change(2, NOON), True, (CREATED + 2, 0)), None, [first, last])  # noqa: FBT003

    loaded, *later = revenue.price_states[key]

    assert loaded is None
    assert [state and state.register.value.name for state in later] == [None, "Once a month"]
    assert revenue.details.price_states[key] == [(0, None), (2, last.details)]


@pytest.mark.parametrize(
    ("said", "before"),
    [
        (CustomerSeen("cus_1", CustomerDetails("ap@zed.test")), CustomerSeen("cus_1", CustomerDetails())),
        (replace(PRICE, details=PriceDetails("Monthly")), PRICE),
        (replace(PRODUCT, metadata=(("region", "emea"),)), PRODUCT),
    ],
)
def test_what_is_said_again_and_what_was_said_before_touch_nothing(said: Observation, before: Observation) -> None:
    revenue = fold([(2, said)])
    touched = revenue.touched_names, revenue.touched_prices, revenue.touched_products
    for keys in touched:
        keys.clear()

    for second, again in ((2, said), (1, said), (1, before)):
        revenue.apply(Sighting(Change(2, NOON), True, (CREATED + second, 0)), None, [again])  # noqa: FBT003

    assert touched == (set(), set(), set())
