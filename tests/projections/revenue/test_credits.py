"""What credit notes take from the lines of their invoice, to the unit, and never beyond 0."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from events.stripe.observations import CreditNoteHeader, CreditNoteLine, CreditNoteStatus, InvoiceHeader, Line
from projections.recognition.billing import Credit, Moment
from projections.revenue.credits import Applied, applied_credits, credited_amounts, credits_by_line, spread
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


def at_second(second: int, of: CreditNoteState) -> CreditNoteState:
    """Return a credit note that is effective at a second of its day."""
    assert of.header is not None
    header = replace(of.header.value, effective_at=of.header.value.effective_at + second)
    return replace(of, header=replace(of.header, value=header))


def void(of: CreditNoteState, since: int | None, *, seen_at: int = CREATED) -> CreditNoteState:
    """Return a credit note as it is void, with the time since when that Stripe says, if any."""
    return replace(of, status=Register(CreditNoteStatus("void", since), (1, seen_at, 0)))


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
        (3, {"b": 1, "a": 1}, {"a": 2, "b": 1}),  # in the order of the ids
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
    "two of one day, of which the one with the greater id is earlier": (
        invoice({"a": 100}, {"cn_1": at_second(86_399, note([("a", 80)])), "cn_2": note([("a", 70)])}),
        {"cn_1": Applied({"a": 80}, 0), "cn_2": Applied({"a": 20}, 50)},
    ),
    "the same line twice": (
        invoice({"a": 100}, {"cn_1": note([("a", 30), ("a", 40)])}),
        {"cn_1": Applied({"a": 70}, 0)},
    ),
    "one of which only its lines are known": (
        invoice({"a": 100}, {"cn_1": CreditNoteState(lines=note([("a", 10)]).lines)}),
        {},
    ),
    "one of which no lines are known": (invoice({"a": 100}, {"cn_1": replace(note([("a", 10)]), lines=None)}), {}),
    "a deleted invoice": (
        replace(invoice({"a": 100}, {"cn_1": note([("a", 10)])}), is_deleted=True),
        {"cn_1": Applied({}, 10)},
    ),
    "an invoice of which only its lines are known": (
        replace(invoice({"a": 100}, {"cn_1": note([("a", 10)])}), status=None, header=None),
        {"cn_1": Applied({}, 10)},
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


def test_net_amounts_are_what_credits_are_kept_within() -> None:
    held = invoice({"a": 0}, {"cn_1": note([("a", 95)])})
    assert held.lines is not None
    dear = replace(line("a", 100), discount_amount=20, tax_amount=10)

    assert applied_credits(replace(held, lines=Register((dear,), held.lines.stamp))) == {"cn_1": Applied({"a": 70}, 25)}


def test_credits_of_a_line_are_all_that_is_asked_for_by_day_beyond_the_line_and_void_ones_too() -> None:
    notes = {
        "cn_1": note([("a", 80), ("b", -60), (None, 6)], day=1),
        "cn_2": note([("a", 70)]),
        "cn_3": void(note([("a", 10)], day=2), CREATED + 3 * DAY),
        "cn_4": void(note([("a", 20)], day=2), None, seen_at=CREATED + 4 * DAY),
    }
    first, second, third = (Moment(CREATED + day * DAY) for day in range(3))

    assert credits_by_line(invoice({"a": 100, "b": -50}, notes)) == {
        "a": (
            Credit("cn_2", 70, first),
            Credit("cn_1", 92, second),
            Credit("cn_3", 10, third, Moment(CREATED + 3 * DAY)),
            Credit("cn_4", 20, third, Moment(CREATED + 4 * DAY, is_estimated=True)),
        ),
        "b": (Credit("cn_1", -66, second),),
    }


def test_credits_that_would_make_a_line_worth_more_are_none_of_its_credits() -> None:
    notes = {"cn_1": note([("a", -1), ("b", 1), ("c", 1), ("d", 1), ("e", 0)])}

    assert credits_by_line(invoice({"a": 1, "b": -1, "c": 0, "d": 1, "e": 1}, notes)) == {
        "d": (Credit("cn_1", 1, Moment(CREATED)),)
    }


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
        assert list(one.lines) == sorted(one.lines)
