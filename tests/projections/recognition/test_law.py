"""What holds of any line, with any credits, statuses, shares and policy, to the unit."""

from collections import Counter
from fractions import Fraction
from math import prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.recognition.arithmetic import is_sum_of_months, months_of_shares
from projections.recognition.billing import BilledLine, Credit, Moment, Policy, Transitions
from projections.recognition.by_fractions import as_recognized, recognized_by_fractions
from projections.recognition.days import day_of, first_day, month_of, zone_of
from projections.recognition.outcome import UNMAPPED, Share, Shares
from projections.recognition.parts import parts_of, spans_of
from projections.recognition.rounding import WHOLE
from projections.recognition.schedule import recognized_before, terms_of
from projections.recognition.steps import steps_of
from tests.support.promises import examples
from tests.support.recognition import (
    MOMENTS,
    POLICIES,
    Case,
    by_month,
    contra_by_month,
    credit_lists,
    lines,
    recognized_until,
    share_lists,
    transitions,
)

LAW = pytest.mark.promise(
    "Recognition: the laws hold of any line, credits, statuses, shares, policy", trials=(40, 1000)
)

Given = tuple[BilledLine, Transitions, list[Credit], Shares, Policy]
ANY: st.SearchStrategy[Given] = st.tuples(lines(), transitions(), credit_lists(), share_lists(), POLICIES)


@LAW
@examples(40, 1000)
@given(ANY)
def test_two_implementations_agree_on_every_part(case: Given) -> None:
    assert [as_recognized(part) for part in parts_of(*case)] == recognized_by_fractions(*case)


@LAW
@examples(40, 1000)
@given(ANY)
def test_l1_and_l2_parts_add_up_to_the_line_and_months_to_their_part(case: Given) -> None:
    parts, steps = parts_of(*case), steps_of(case[0].net_amount, case[1], case[2], zone_of(case[4].time_zone))

    assert sum(part.amount for part in parts if part.step_number == 0) == case[0].net_amount
    assert sum(part.amount for part in parts) == steps[-1].after
    for number, step in enumerate(steps):
        assert sum(part.amount for part in parts if part.step_number == number) == step.amount
    for part in parts:
        assert sum(part.months) == part.amount


@LAW
@examples(40, 1000)
@given(lines(), transitions(), credit_lists(), share_lists(st.none()), POLICIES)
def test_l1_parts_that_are_treated_alike_add_up_in_every_month(
    line: BilledLine, statuses: Transitions, credits_of_line: list[Credit], shares: Shares, policy: Policy
) -> None:
    shares = tuple(share._replace(kind="revenue") for share in shares)
    split = parts_of(line, statuses, credits_of_line, shares, policy)
    whole = parts_of(line, statuses, credits_of_line, UNMAPPED, policy)

    assert by_month(split) == by_month(whole)
    assert contra_by_month(split) == contra_by_month(whole)


@LAW
@examples(40, 1000)
@given(ANY)
def test_l2_steps_add_up_to_the_amount_in_force_at_every_month_end(case: Given) -> None:
    line, statuses, credits_of_line, shares, policy = case
    policy = policy._replace(catch_up="none")
    parts, steps = (
        parts_of(line, statuses, credits_of_line, shares, policy),
        steps_of(line.net_amount, statuses, credits_of_line, zone_of(policy.time_zone)),
    )
    for number, (_, cut, span) in enumerate(spans_of(line, steps[0].day, shares, policy)):
        parts_of_share = [part for part in parts if part.share_number == number]
        for month in {month_of(step.day) + 1 for step in steps} | {month_of(span.start), month_of(span.end)}:
            day = first_day(month)
            amount = next(step.after for step in reversed(steps) if step.day < day or step is steps[0])
            elapsed = Fraction(min(max(day - span.start, 0), span.end - span.start), span.end - span.start)
            upto, below = (round(amount * elapsed * Fraction(basis_points, WHOLE)) for basis_points in cut[::-1])
            assert recognized_until(parts_of_share, month) == upto - below


@LAW
@examples(40, 1000)
@given(lines(), share_lists(), POLICIES)
def test_l3_days_add_up_to_months(line: BilledLine, shares: Shares, policy: Policy) -> None:
    statuses, policy = Transitions(Moment(line.period_start)), policy._replace(catch_up="none")
    (step,), parts = (
        steps_of(line.net_amount, statuses, (), zone_of(policy.time_zone)),
        parts_of(line, statuses, (), shares, policy),
    )
    for part, (_, cut, span) in zip(parts, spans_of(line, step.day, shares, policy), strict=True):
        terms, months = list(terms_of(step, cut)), Counter[int]()
        for day in range(span.start, span.end):
            months[month_of(day)] += recognized_before(day + 1, terms, span) - recognized_before(day, terms, span)
        assert tuple(months[month] for month in sorted(months)) == part.months


@LAW
@examples(40, 1000)
@given(ANY)
def test_l4_a_negated_line_is_the_mirror_image(case: Given) -> None:
    line, statuses, credits_of_line, shares, policy = case
    mirrored = parts_of(
        line._replace(net_amount=-line.net_amount),
        statuses,
        [credit._replace(amount=-credit.amount) for credit in credits_of_line],
        shares,
        policy,
    )
    parts = parts_of(*case)

    assert [part.months for part in mirrored] == [tuple(-amount for amount in part.months) for part in parts]
    assert [part.contra for part in mirrored] == [-part.contra for part in parts]


@LAW
@examples(40, 1000)
@given(ANY, st.randoms(use_true_random=False))
def test_l5_order_of_credits_does_not_matter(case: Given, random: Random) -> None:
    line, statuses, credits_of_line, shares, policy = case
    shuffled = random.sample(credits_of_line, len(credits_of_line))

    assert parts_of(line, statuses, shuffled, shares, policy) == parts_of(*case)


@LAW
@examples(40, 1000)
@given(ANY, credit_lists())
def test_l16_later_credit_moves_no_earlier_month(case: Given, later: list[Credit]) -> None:
    line, statuses, credits_of_line, shares, policy = case
    added = [credit._replace(credit_id=f"later_{credit.credit_id}", voided=None) for credit in later]
    before, after = parts_of(*case), parts_of(line, statuses, [*credits_of_line, *added], shares, policy)
    zone = zone_of(policy.time_zone)
    months = [month_of(day_of(credit.effective.at, zone)) for credit in added]

    for month in range(min(months, default=0) - 15, min(months, default=0) + 1):
        assert recognized_until(before, month) == recognized_until(after, month)


@LAW
@examples(40, 1000)
@given(lines(), transitions(), share_lists(), POLICIES, MOMENTS)
def test_fully_credited_line_recognizes_exactly_nothing_more(
    line: BilledLine, statuses: Transitions, shares: Shares, policy: Policy, moment: int
) -> None:
    finalized = statuses.finalized
    credit = Credit("cn_1", line.net_amount, Moment(max(moment, finalized.at)))
    parts = parts_of(line, Transitions(finalized), [credit], shares, policy)
    credited_in = month_of(day_of(credit.effective.at, zone_of(policy.time_zone)))

    assert sum(part.amount for part in parts) == 0
    for month in range(credited_in + 1, credited_in + 15):
        assert recognized_until(parts, month) == 0


@LAW
@examples(40, 1000)
@given(ANY)
def test_sum_in_words_gives_the_amount(case: Given) -> None:
    parts = parts_of(*case)
    months = months_of_shares(parts, [share.basis_points for share in case[3]])

    assert is_sum_of_months(parts, months)

    for month in months:
        assert evaluated(month.sum) == month.earned + month.contra == month.comes_to
    for number in range(len(case[3])):
        of_share = [part for part in parts if part.share_number == number]
        told = {month.month: month.earned + month.contra for month in months if month.share_number == number}
        assert {month: amount for month, amount in told.items() if amount} == by_month(of_share)
        assert {m.month: m.contra for m in months if m.share_number == number and m.contra} == contra_by_month(of_share)


@pytest.mark.parametrize(
    ("case", "sums"),
    [
        (
            Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01"),
            ["round(9000·31/90)", "round(4500·59/90) − round(9000·31/90)", "4500 − round(4500·59/90)"],
        ),
        (
            Case("31.00", "2026-01-15", "2026-02-15").with_status(voided="2026-02-01"),
            ["round(3100·17/31)", "−round(3100·17/31)"],
        ),
        (
            Case("-31.00", "2026-01-15", "2026-02-15"),
            ["−round(3100·17/31)", "−3100 + round(3100·17/31)"],
        ),
        (
            Case("5.00", "2026-01-03", "2026-01-03", shares=(Share(2500), Share(7500))),
            ["round(500·2500/10000)", "500 − round(500·2500/10000)"],
        ),
        (
            Case("90.00", "2026-01-01", "2026-04-01")
            .with_status(uncollectible="2026-02-01", voided="2026-04-10")
            .with_policy(Policy(uncollectible="expense")),
            ["round(9000·31/90)", "−round(9000·31/90)", "0"],
        ),
    ],
)
def test_sum_says_no_more_than_is_needed(case: Case, sums: list[str]) -> None:
    assert [
        month.sum for month in months_of_shares(case.parts(), [share.basis_points for share in case.shares])
    ] == sums


@pytest.mark.parametrize(
    ("paid", "told"),
    [
        ("2026-02-20", [(3100, 0, 0), (900, 1900, 0), (3100, 0, 0)]),
        ("2026-03-20", [(3100, 0, 0), (0, -3100, -3100), (1200, 7800, 3100)]),
    ],
)
def test_a_month_tells_what_of_its_contra_is_an_expense(paid: str, told: list[tuple[int, int, int]]) -> None:
    case = Case("90.00", "2026-01-01", "2026-04-01").with_status(uncollectible="2026-02-01", paid=paid)
    parts = case.with_policy(Policy(uncollectible="expense")).parts()

    assert [(one.earned, one.contra, one.expense) for one in months_of_shares(parts, [WHOLE])] == told


def test_months_of_parts_in_any_order_are_told_in_order_without_those_in_which_nothing_is_recognized() -> None:
    shares = Share(2500), Share(7500)
    case = Case("90.00", "2026-01-01", "2026-03-01", booked="2025-12-03", shares=shares)
    parts = case.with_credit("45.00", "2026-02-01").parts()

    months, backwards = (
        months_of_shares(one, [share.basis_points for share in shares]) for one in (parts, parts[::-1])
    )

    assert months == backwards
    assert [(one.month, one.share_number) for one in months] == [
        (f"2026-0{one}", two) for one in (1, 2) for two in (0, 1)
    ]


def quarter() -> Case:
    return Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01")


@pytest.mark.parametrize(
    ("billed", "credited"), [((2800, 3100, 3100), (-2950, -1550)), ((3100, 2801, 3100), (-2951, -1550))]
)
def test_months_that_do_not_add_up_to_their_part_or_do_not_follow_from_the_steps_are_found(
    billed: tuple[int, ...], credited: tuple[int, ...]
) -> None:
    parts = quarter().with_credit("15.00", "2026-03-01").parts()
    altered = [replace(part, months=months) for part, months in zip(parts, (billed, credited, (-1500,)), strict=True)]

    assert is_sum_of_months(parts, months_of_shares(parts, [WHOLE]))
    assert not is_sum_of_months(altered, months_of_shares(altered, [WHOLE]))


def test_month_in_which_parts_lack_what_their_steps_give_is_told() -> None:
    billing, _ = quarter().parts()
    months = months_of_shares([replace(billing, months=(9000, 0, 0))], [WHOLE])

    assert [(month.month, month.earned, month.comes_to) for month in months] == [
        ("2026-01", 9000, 3100),
        ("2026-02", 0, 2800),
        ("2026-03", 0, 3100),
    ]


def evaluated(text: str) -> int:
    """Return what a person would get: products from the left, each term rounded half to even."""
    total, sign = 0, 1
    for word in text.replace("−", "− ").split():
        if word in {"+", "−"}:
            sign = -1 if word == "−" else 1
            continue
        factors = [Fraction(factor) for factor in word.removeprefix("round(").removesuffix(")").split("·")]
        total += sign * round(prod(factors))
    return total
