"""What credit notes take from the lines of their invoice, to the unit, and never beyond 0."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.stripe.observations import CreditNoteHeader, CreditNoteLine, CreditNoteStatus, InvoiceHeader, Line
from projections.revenue.credits import Applied, applied_credits, credited_amounts, spread
from projections.revenue.register import Register
from projections.revenue.state import CreditNoteState, InvoiceState
from tests.support.payloads import CREATED

# What a credit note asks for: invoice lines, None for a custom amount, with amounts.
Asked = Sequence[tuple[str | None, int]]
DAY = 86_400


def line(line_id: str, amount: int) -> Line:
    return Line(line_id, None, "Plan", "usd", amount, 0, 0, CREATED, CREATED + 60, False, "1", None, None)  # noqa: FBT003


def note(
    asked: Asked, *, day: int = 0, status: str = "issued", currency: str = "usd", whole: int = 1
) -> CreditNoteState:
    lines = tuple(CreditNoteLine(f"cnli_{place}", *one) for place, one in enumerate(asked))
    amount = sum(one[1] for one in asked)
    return CreditNoteState(
        Register(CreditNoteStatus(status, None), (0, CREATED)),
        Register(CreditNoteHeader("CN-1", currency, amount, CREATED + day * DAY), (CREATED,)),
        Register(lines, (whole, CREATED)),
    )


def invoice(lines: Mapping[str, int], notes: Mapping[str, CreditNoteState], *, whole: int = 1) -> InvoiceState:
    return InvoiceState(
        Register("open", (0, CREATED)),
        Register(InvoiceHeader("cus_1", None, None, None), (CREATED,)),
        Register(tuple(line(*one) for one in lines.items()), (whole, CREATED)),
        credit_notes=dict(notes),
    )


@pytest.mark.parametrize(
    ("amount", "net", "shares"),
    [
        (2000, {"a": 6000, "b": 3000, "c": -1000}, {"a": 1500, "b": 750, "c": -250}),
        (1, {"a": 1, "b": 1}, {"a": 0, "b": 1}),  # half to even: 0.5 to 0, 1.0 to 1
        (3, {"a": 1, "b": 1}, {"a": 2, "b": 1}),  # 1.5 to 2
        (-3, {"a": 1, "b": 1}, {"a": -2, "b": -1}),
        (100, {"a": 5, "b": -5}, {}),
        (100, {}, {}),
    ],
)
def test_a_custom_amount_is_spread_by_net_amounts_with_one_rounding(
    amount: int, net: dict[str, int], shares: dict[str, int]
) -> None:
    assert spread(amount, net) == shares


@given(st.integers(-(10**12), 10**12), st.dictionaries(st.text("abcdef", min_size=1), st.integers(-(10**9), 10**9)))
def test_shares_add_up_to_what_is_spread(amount: int, net: dict[str, int]) -> None:
    shares = spread(amount, net)

    assert sum(shares.values()) == (amount if sum(net.values()) else 0)


CASES: dict[str, tuple[InvoiceState, dict[str, Applied]]] = {
    "a line": (invoice({"a": 9000}, {"cn_1": note([("a", 4500)])}), {"cn_1": Applied({"a": 4500}, 0)}),
    "more than the line": (invoice({"a": 9000}, {"cn_1": note([("a", 9500)])}), {"cn_1": Applied({"a": 9000}, 500)}),
    "two of one line, by day": (
        invoice({"a": 100}, {"cn_1": note([("a", 80)], day=1), "cn_2": note([("a", 70)])}),
        {"cn_2": Applied({"a": 70}, 0), "cn_1": Applied({"a": 30}, 50)},
    ),
    "two of one line and day, by id": (
        invoice({"a": 100}, {"cn_2": note([("a", 70)]), "cn_1": note([("a", 80)])}),
        {"cn_1": Applied({"a": 80}, 0), "cn_2": Applied({"a": 20}, 50)},
    ),
    "a line and a custom amount": (
        invoice({"a": 100, "b": 300}, {"cn_1": note([("b", 10), (None, 40)])}),
        {"cn_1": Applied({"a": 10, "b": 40}, 0)},
    ),
    "a negative line is taken towards 0": (
        invoice({"a": 100, "b": -50}, {"cn_1": note([("b", -60)])}),
        {"cn_1": Applied({"b": -50}, -10)},
    ),
    "against the sign of the line": (
        invoice({"a": 100, "b": -50}, {"cn_1": note([("b", 10)])}),
        {"cn_1": Applied({}, 10)},
    ),
    "an unknown line": (invoice({"a": 100}, {"cn_1": note([("z", 10)])}), {"cn_1": Applied({}, 10)}),
    "another currency": (
        invoice({"a": 100}, {"cn_1": note([("a", 10)], currency="eur")}),
        {"cn_1": Applied({}, 10)},
    ),
    "a custom amount waits for all lines": (
        invoice({"a": 100}, {"cn_1": note([("a", 10), (None, 10)])}, whole=0),
        {"cn_1": Applied({"a": 10}, 10)},
    ),
    "a void one": (invoice({"a": 100}, {"cn_1": note([("a", 10)], status="void")}), {}),
    "a part of its lines": (invoice({"a": 100}, {"cn_1": note([("a", 10)], whole=0)}), {}),
    "no invoice yet": (
        InvoiceState(credit_notes={"cn_1": note([("a", 10), (None, 5)])}),
        {"cn_1": Applied({}, 15)},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("held", "expected"), CASES.values(), ids=CASES)
def test_credit_notes_take_what_they_say_and_nothing_beyond_0(held: InvoiceState, expected: dict[str, Applied]) -> None:
    assert applied_credits(held) == expected


NAMED = st.sampled_from(("a", "b", "c", "z", None))
NOTES = st.dictionaries(
    st.sampled_from(("cn_1", "cn_2", "cn_3")),
    st.builds(
        lambda asked, day, status: note(asked, day=day, status=status),
        st.lists(st.tuples(NAMED, st.integers(-50, 200)), max_size=4),
        st.integers(0, 2),
        st.sampled_from(("issued", "issued", "void")),
    ),
)


@given(st.dictionaries(st.sampled_from(("a", "b", "c")), st.integers(-100, 300)), NOTES)
def test_a_line_ends_between_0_and_its_net_amount_and_nothing_is_lost(
    lines: dict[str, int], notes: dict[str, CreditNoteState]
) -> None:
    held = invoice(lines, notes)
    credited = credited_amounts(held)

    for line_id, net in lines.items():
        assert min(net, 0) <= net - credited.get(line_id, 0) <= max(net, 0)
    for note_id, one in applied_credits(held).items():
        asked = notes[note_id].lines
        assert asked is not None
        assert sum(one.lines.values()) + one.unapplied == sum(each.amount for each in asked.value)
