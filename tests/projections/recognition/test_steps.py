"""A line's amount changes on days, for reasons, and never beyond nothing."""

import pytest

from events.stripe.observations import StatusDates
from projections.recognition.billing import (
    Moment,
    Policy,
    Transitions,
    transitions_of,
)
from projections.recognition.month_rows import month_rows
from projections.recognition.outcome import Share
from projections.recognition.reports import recognition_cells
from projections.recognition.steps import steps_of
from tests.support.recognition import UTC_ZONE, Case, at, by_month, day

FIRST, LATER, LAST = at("2026-01-01"), at("2026-02-01"), at("2026-03-01")


def told(case: Case) -> list[tuple[str, int]]:
    return [
        (step.cause, step.amount) for step in steps_of(case.line.net_amount, case.transitions, case.credits, UTC_ZONE)
    ]


def month() -> Case:
    return Case("90.00", "2026-01-01", "2026-04-01")


def test_paid_invoice_is_billed_and_nothing_else() -> None:
    assert told(month().with_status(paid="2026-01-02")) == [("billing", 9000)]


def test_credits_never_go_beyond_nothing() -> None:
    case = month().with_credit("80.00", "2026-02-01").with_credit("30.00", "2026-02-02")

    assert told(case) == [("billing", 9000), ("credit_note", -8000), ("credit_note", -1000)]


def test_voided_credit_note_gives_way_to_one_that_stands() -> None:
    case = month().with_credit("80.00", "2026-02-01", voided="2026-03-01").with_credit("30.00", "2026-02-02")

    assert told(case)[-1] == ("credit_note", 6000)


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


def test_credit_of_bad_debt_changes_no_expense() -> None:
    case = month().with_status(uncollectible="2026-02-01").with_credit("30.00", "2026-03-01")

    parts = case.with_policy(Policy(uncollectible="expense")).parts()

    assert [(part.cause, part.expense) for part in parts] == [("billing", 0), ("uncollectible", -3100)]


def test_only_revenue_becomes_an_expense() -> None:
    case = Case("90.00", "2026-01-01", "2026-04-01", shares=(Share(10_000, kind="tax"),))

    parts = case.with_status(uncollectible="2026-02-01").with_policy(Policy(uncollectible="expense")).parts()

    assert [(part.contra, part.expense) for part in parts] == [(0, 0), (-9000, 0)]


def test_day_that_stripe_does_not_say_is_that_of_the_event_and_marked() -> None:
    transitions = transitions_of("void", StatusDates(finalized_at=FIRST), {"void": LAST})

    assert transitions == Transitions(Moment(FIRST), voided=Moment(LAST, is_estimated=True))
    (billing, void) = steps_of(9000, transitions, (), UTC_ZONE)
    assert (billing.is_estimated, void.is_estimated, void.day) == (False, True, day("2026-03-01"))


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("open", StatusDates(), Transitions(Moment(LATER, is_estimated=True))),
        ("paid", StatusDates(FIRST, None, None, LATER), Transitions(Moment(FIRST))),
        ("void", StatusDates(FIRST), Transitions(Moment(FIRST), voided=Moment(LAST, is_estimated=True))),
        (
            "uncollectible",
            StatusDates(FIRST),
            Transitions(Moment(FIRST), uncollectible=Moment(LAST, is_estimated=True)),
        ),
        (
            "paid",
            StatusDates(FIRST, LATER, None, LAST),
            Transitions(Moment(FIRST), uncollectible=Moment(LATER), paid=Moment(LAST)),
        ),
        (
            "void",
            StatusDates(FIRST, LATER, LAST, None),
            Transitions(Moment(FIRST), uncollectible=Moment(LATER), voided=Moment(LAST)),
        ),
    ],
)
def test_status_decides_what_became_of_an_invoice(status: str, said: StatusDates, expected: Transitions) -> None:
    undated = {} if status == "paid" else {status: LAST}

    assert transitions_of(status, said, {"finalized": LATER, **undated}) == expected


def test_invoice_was_uncollectible_if_it_was_ever_seen_so() -> None:
    transitions = transitions_of("paid", StatusDates(FIRST, None, None, LAST), {"uncollectible": LATER})

    assert transitions.uncollectible == Moment(LATER, is_estimated=True)


@pytest.mark.parametrize("later_status", ["paid", "voided"])
def test_status_never_comes_before_the_one_that_it_follows(later_status: str) -> None:
    transitions = Transitions(Moment(FIRST), uncollectible=Moment(LAST))._replace(**{later_status: Moment(LATER)})
    steps = steps_of(9000, transitions, (), UTC_ZONE)

    assert [step.day for step in steps] == [day("2026-01-01"), day("2026-03-01"), day("2026-03-01")]
    assert steps[-1].after == (9000 if later_status == "paid" else 0)
