"""What is known of an invoice after its facts, whatever order they come in: its status, and since when."""

from itertools import permutations

import msgspec
import pytest
from msgspec.structs import replace

from events.stripe.observations import (
    CreditNoteHeader,
    CreditNoteLine,
    CreditNoteLinesSeen,
    CreditNoteSeen,
    CreditNoteStatus,
    InvoiceHeader,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    StatusDates,
)
from projections.recognition.billing import Moment
from projections.revenue.invoice_after import AboutInvoice, invoice_after
from projections.revenue.state import InvoiceState
from tests.support.payloads import CREATED

OPEN = InvoiceSeen("in_1", "open", InvoiceHeader("cus_1", None, None, None), (), is_complete=True)
LINE = Line("il_1", None, "Plan", "usd", 100, 0, 0, CREATED, CREATED + 60, False, "1", None, None)  # noqa: FBT003
VOID = replace(OPEN, status="void")
NOTE_LINE = CreditNoteLine("cnli_1", "il_1", 10)
NOTE = CreditNoteSeen(
    *("in_1", "cn_1", CreditNoteStatus("issued", None), CreditNoteHeader("CN-1", "usd", 10, CREATED), ()),
    is_complete=True,
)


def after(*facts: tuple[int, AboutInvoice]) -> InvoiceState:
    """Return what is known after facts, each with its second."""
    invoice = InvoiceState()
    for second, seen in facts:
        invoice = invoice_after(invoice, seen, (CREATED + second, 0))
    return invoice


@pytest.mark.parametrize(
    ("earlier", "later", "status"),
    [
        ("open", "uncollectible", "uncollectible"),
        ("uncollectible", "open", "uncollectible"),
        ("paid", "open", "paid"),
        ("paid", "uncollectible", "paid"),
        ("void", "uncollectible", "void"),
        ("void", "paid", "paid"),
        ("paid", "void", "void"),
    ],
)
def test_a_status_only_climbs_and_of_two_last_ones_the_newer_stands(earlier: str, later: str, status: str) -> None:
    facts = [(1, replace(OPEN, status=earlier)), (2, replace(OPEN, status=later))]

    for order in permutations(facts):
        held = after(*order).status
        assert held is not None
        assert held.value == status


def test_what_stripe_does_not_date_is_dated_by_the_earliest_fact_that_shows_it() -> None:
    facts = [(5, OPEN), (3, OPEN), (9, VOID), (7, VOID)]

    for order in permutations(facts):
        assert after(*order).seen_at == {"finalized": CREATED + 3, "void": CREATED + 7}


@pytest.mark.parametrize("status", ["open", "uncollectible", "paid", "void"])
def test_what_stripe_dates_is_dated_by_no_fact(status: str) -> None:
    dates = StatusDates(CREATED, CREATED + 1, CREATED + 2, CREATED + 3)

    assert after((9, replace(OPEN, status=status, dates=dates))).seen_at == {}


def test_dates_are_those_of_the_last_status_and_never_lost_to_a_fact_without_any() -> None:
    of_open = replace(OPEN, dates=StatusDates(CREATED))
    of_void = replace(VOID, dates=StatusDates(CREATED, None, CREATED + 2))

    for order in permutations([(1, of_void), (2, of_open), (3, VOID)]):
        held = after(*order).dates
        assert held is not None
        assert held.value == of_void.dates


def test_of_two_whole_line_sets_the_newer_stands_however_it_was_read() -> None:
    of_invoice: list[InvoiceSeen | InvoiceLinesSeen] = [replace(OPEN, lines=(LINE,)), InvoiceLinesSeen("in_1", ())]
    of_note: list[CreditNoteSeen | CreditNoteLinesSeen] = [
        replace(NOTE, lines=(NOTE_LINE,)),
        CreditNoteLinesSeen("in_1", "cn_1", ()),
    ]

    for older, newer in permutations(of_invoice):
        held = after((1, older), (2, newer)).lines
        assert held is not None
        assert held.value == newer.lines
    for older_note, newer_note in permutations(of_note):
        noted = after((1, older_note), (2, newer_note)).credit_notes["cn_1"].lines
        assert noted is not None
        assert noted.value == newer_note.lines


def test_the_same_facts_in_any_order_are_stored_as_the_same_bytes() -> None:
    finalized = replace(VOID, dates=StatusDates(CREATED))
    facts: list[tuple[int, AboutInvoice]] = [
        (1, finalized),
        (2, OPEN),
        (3, VOID),
        (4, replace(NOTE, note_id="cn_2")),
        (5, NOTE),
    ]

    assert len({msgspec.json.encode(after(*order)) for order in permutations(facts)}) == 1


def test_a_void_credit_note_stays_void_since_the_time_that_stripe_says_or_else_the_earliest_fact() -> None:
    void, dated = (replace(NOTE, status=CreditNoteStatus("void", since)) for since in (None, CREATED + 5))

    for order in permutations([(9, void), (7, void), (10, NOTE)]):
        assert after(*order).credit_notes["cn_1"].voided == Moment(CREATED + 7, is_estimated=True)
    for order in (*permutations([(9, void), (6, dated), (10, NOTE)]), *permutations([(9, void), (12, dated)])):
        assert after(*order).credit_notes["cn_1"].voided == Moment(CREATED + 5)


def test_a_credit_note_that_only_turns_out_to_be_void_since_earlier_shows_something_else() -> None:
    void = replace(NOTE, status=CreditNoteStatus("void", None))
    late = after((9, void))

    assert not late.shows_the_same_as(after((9, void), (7, void)))
    assert late.shows_the_same_as(after((9, void), (11, void)))
