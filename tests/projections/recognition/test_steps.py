"""A line's amount changes on days, for reasons, and never beyond nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.recognition.billing import (
    Credit,
    Moment,
    Policy,
    StatusTransitions,
    Transitions,
    transitions_of,
)
from projections.recognition.credit_notes import CreditNoteLine, laid_on_lines, unapplied_amounts
from projections.recognition.month_rows import month_rows
from projections.recognition.reports import recognition_cells
from projections.recognition.steps import steps_of
from tests.support.recognition import AMOUNTS, UTC_ZONE, Case, at, by_month, day

FIRST, LATER, LAST = at("2026-01-01"), at("2026-02-01"), at("2026-03-01")


def told(case: Case) -> list[tuple[str, int]]:
    return [
        (step.cause, step.amount) for step in steps_of(case.line.net_amount, case.transitions, case.credits, UTC_ZONE)
    ]


def month() -> Case:
    return Case("90.00", "2026-01-01", "2026-04-01")


def test_paid_invoice_is_billed_and_nothing_else() -> None:
    assert told(month().with_status(paid="2026-01-02")) == [("billing", 9000)]


def test_credits_never_go_beyond_nothing_and_the_rest_is_unapplied() -> None:
    case = month().with_credit("80.00", "2026-02-01").with_credit("30.00", "2026-02-02")

    assert told(case) == [("billing", 9000), ("credit_note", -8000), ("credit_note", -1000)]
    assert unapplied_amounts(9000, case.credits, UTC_ZONE) == {"cn_1": 2000}


def test_voided_credit_note_gives_way_to_one_that_stands() -> None:
    case = month().with_credit("80.00", "2026-02-01", voided="2026-03-01").with_credit("30.00", "2026-02-02")

    assert told(case)[-1] == ("credit_note", 6000)
    assert unapplied_amounts(9000, case.credits, UTC_ZONE) == {}


def test_recovered_invoice_is_worth_what_its_credits_leave() -> None:
    case = month().with_credit("30.00", "2026-01-10").with_status(uncollectible="2026-02-01", paid="2026-03-01")

    assert told(case) == [("billing", 9000), ("credit_note", -3000), ("uncollectible", -6000), ("recovered", 6000)]


def test_credit_of_the_same_day_comes_before_the_status() -> None:
    case = month().with_status(voided="2026-02-01").with_credit("30.00", "2026-02-01T18:00")

    assert told(case) == [("billing", 9000), ("credit_note", -3000), ("void", -6000)]


def test_void_after_uncollectible_only_moves_the_label() -> None:
    case = month().with_status(uncollectible="2026-02-01", voided="2026-03-01")

    assert told(case) == [("billing", 9000), ("uncollectible", -9000), ("void", 0)]


@pytest.mark.parametrize(
    ("ended", "last_cells"),
    [
        ({"voided": "2026-04-10"}, [(4, "expense", 0, 3100), (4, "revenue", 0, -3100)]),
        ({"paid": "2026-04-10"}, [(4, "expense", 0, 3100), (4, "revenue", 0, 5900)]),
    ],
)
def test_bad_debt_is_an_expense_if_policy_says_so_until_it_is_void_or_paid(
    ended: dict[str, str], last_cells: list[tuple]
) -> None:
    case = month().with_status(uncollectible="2026-02-01", **ended)
    taken_back = by_month(case.parts())
    rows = [
        row for part in case.with_policy(Policy(uncollectible="expense")).parts() for row in month_rows(part, "usd")
    ]
    cells = [(cell.month % 12 + 1, cell.kind, cell.earned, cell.contra) for cell in recognition_cells(rows, "none")]

    assert cells == [(1, "revenue", 3100, 0), (2, "expense", 0, -3100), *last_cells]
    assert by_month(case.parts()) == taken_back


def test_day_that_stripe_does_not_say_is_that_of_the_event_and_marked() -> None:
    transitions = transitions_of("void", StatusTransitions(finalized_at=FIRST), LATER, LAST)

    assert transitions == Transitions(Moment(FIRST), voided=Moment(LAST, is_estimated=True))
    (billing, void) = steps_of(9000, transitions, (), UTC_ZONE)
    assert (billing.is_estimated, void.is_estimated, void.day) == (False, True, day("2026-03-01"))


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("open", StatusTransitions(), Transitions(Moment(LATER, is_estimated=True))),
        ("paid", StatusTransitions(FIRST, None, None, LATER), Transitions(Moment(FIRST), paid=Moment(LATER))),
        (
            "uncollectible",
            StatusTransitions(FIRST),
            Transitions(Moment(FIRST), uncollectible=Moment(LAST, is_estimated=True)),
        ),
        (
            "paid",
            StatusTransitions(FIRST, LATER, None, LAST),
            Transitions(Moment(FIRST), uncollectible=Moment(LATER), paid=Moment(LAST)),
        ),
        (
            "void",
            StatusTransitions(FIRST, LATER, LAST, None),
            Transitions(Moment(FIRST), uncollectible=Moment(LATER), voided=Moment(LAST)),
        ),
    ],
)
def test_status_decides_what_became_of_an_invoice(status: str, said: StatusTransitions, expected: Transitions) -> None:
    assert transitions_of(status, said, LATER, LAST) == expected


@pytest.mark.parametrize("later_status", ["paid", "voided"])
def test_status_never_comes_before_the_one_that_it_follows(later_status: str) -> None:
    transitions = Transitions(Moment(FIRST), uncollectible=Moment(LAST))._replace(**{later_status: Moment(LATER)})
    steps = steps_of(9000, transitions, (), UTC_ZONE)

    assert [step.day for step in steps] == [day("2026-01-01"), day("2026-03-01"), day("2026-03-01")]
    assert steps[-1].after == (9000 if later_status == "paid" else 0)


def test_credit_note_takes_its_amount_after_discounts_and_included_tax() -> None:
    note = [CreditNoteLine("il_1", 1000, 100, 150), CreditNoteLine("il_1", 10), CreditNoteLine("il_unknown", 5)]

    assert laid_on_lines(note, {"il_1": 5000, "il_2": 0}) == ({"il_1": 760}, 5)


def test_custom_amount_on_lines_that_come_to_nothing_is_unapplied() -> None:
    assert laid_on_lines([CreditNoteLine(None, 100)], {"il_1": 50, "il_2": -50}) == ({}, 100)
    assert laid_on_lines([CreditNoteLine(None, 100)], {}) == ({}, 100)


@given(st.lists(AMOUNTS, max_size=6), st.lists(st.tuples(st.none() | st.integers(0, 7), AMOUNTS), max_size=4))
def test_credit_note_is_laid_on_its_lines_to_the_unit(nets: list[int], amounts: list[tuple[int | None, int]]) -> None:
    lines = {f"il_{number}": net for number, net in enumerate(nets)}
    note = [CreditNoteLine(None if number is None else f"il_{number}", amount) for number, amount in amounts]
    laid = laid_on_lines(note, lines)

    assert sum(laid.by_line.values()) + laid.unapplied_amount == sum(line.net_amount for line in note)
    assert laid.by_line.keys() <= lines.keys()
    assert laid == laid_on_lines(note, dict(reversed(lines.items())))


@given(AMOUNTS, st.lists(AMOUNTS, max_size=4))
def test_what_stands_is_applied_or_unapplied(net: int, amounts: list[int]) -> None:
    standing = [Credit(f"cn_{number}", amount, Moment(FIRST)) for number, amount in enumerate(amounts)]
    steps = steps_of(net, Transitions(Moment(FIRST)), standing, UTC_ZONE)

    assert net - steps[-1].after + sum(unapplied_amounts(net, standing, UTC_ZONE).values()) == sum(amounts)
