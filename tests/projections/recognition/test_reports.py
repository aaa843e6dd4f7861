"""Reports agree with one another, and with the rows that they add up."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.recognition.billing import BilledLine, Credit, Policy, Transitions
from projections.recognition.month_rows import MonthRow, month_rows
from projections.recognition.outcome import KINDS, Shares
from projections.recognition.parts import parts_of
from projections.recognition.reports import By, DeferredCell, deferred_cells, recognition_cells, waterfall_cells
from tests.support.promises import examples
from tests.support.recognition import POLICIES, credit_lists, lines, share_lists, transitions

AGREEMENT = pytest.mark.promise("Recognition: reports agree with one another and with their rows", trials=(40, 1000))
_MONTHS = st.integers(24_300, 24_306)
_AMOUNTS = st.integers(-3, 3)
ROWS = st.lists(
    st.builds(
        MonthRow,
        st.sampled_from(("eur", "usd")),
        st.sampled_from((None, "str_a", "str_b")),
        st.sampled_from((None, "pln_a")),
        st.just("revenue") | st.sampled_from((*KINDS, "expense")),
        st.sampled_from(("billing", "credit_note", "void", "uncollectible", "recovered")),
        _MONTHS,
        _MONTHS,
        _AMOUNTS,
        _AMOUNTS,
    ),
    max_size=20,
)
BY = st.sampled_from(("stream", "plan", "none"))


def group_of(row: MonthRow, by: By) -> tuple:
    return row.currency, row.stream_id if by != "none" else None, row.plan_id if by == "plan" else None


def revenue(rows: list[MonthRow]) -> list[MonthRow]:
    return [row for row in rows if row.kind in {"revenue", "expense"}]


@AGREEMENT
@examples(40, 1000)
@given(ROWS, BY, _MONTHS, _MONTHS)
def test_l6_deferred_revenue_rolls_forward(rows: list[MonthRow], by: By, one: int, other: int) -> None:
    first, last = sorted((one, other))
    cells = deferred_cells(rows, by, first, last)
    closings: dict[tuple, DeferredCell] = {}

    for cell in cells:
        before = closings.get(cell.group)
        closings[cell.group] = cell
        mine = [row for row in revenue(rows) if group_of(row, by) == cell.group]
        booked = [row for row in mine if row.booked_month <= cell.month]
        assert cell.closing == cell.opening + cell.booked - cell.earned - cell.contra
        assert cell.closing == cell.deferred - cell.unbilled
        assert cell.deferred == sum(row.earned + row.contra for row in booked if row.month > cell.month)
        assert cell.unbilled == sum(
            row.earned + row.contra for row in mine if row.booked_month > cell.month >= row.month
        )
        assert before is None or before.month < cell.month
        assert before is None or cell.opening == before.closing
        assert first <= cell.month <= last
    for name, place in (("booked", "booked_month"), ("earned", "month"), ("contra", "month")):
        counted: Counter[tuple] = Counter()
        for row in revenue(rows):
            amount = row.earned + row.contra if name == "booked" else getattr(row, name)
            counted[getattr(row, place), group_of(row, by)] += amount
        for cell in cells:
            assert getattr(cell, name) == counted.pop((cell.month, cell.group), 0)
        assert not any(amount for (month, _), amount in counted.items() if first <= month <= last)


@AGREEMENT
@examples(40, 1000)
@given(ROWS, BY)
def test_l13_waterfall_rows_are_booked_and_columns_recognized(rows: list[MonthRow], by: By) -> None:
    cells = waterfall_cells(rows, by)
    booked: Counter[tuple] = Counter()
    recognized: Counter[tuple] = Counter()
    for cell in cells:
        booked[cell.booked_month, cell.group] += cell.amount
        recognized[cell.recognized_month, cell.group] += cell.amount

    for rolled in deferred_cells(rows, by, 24_300, 24_306):
        assert rolled.booked == booked.pop((rolled.month, rolled.group), 0)
    assert not any(booked.values())
    for column in recognition_cells(revenue(rows), by):
        recognized[column.month, column.group] -= column.net
    assert not any(recognized.values())
    assert all(cell.amount for cell in cells)


@AGREEMENT
@examples(40, 1000)
@given(ROWS, BY)
def test_recognition_adds_up_its_rows_whatever_they_are_broken_down_by(rows: list[MonthRow], by: By) -> None:
    counted: Counter[tuple] = Counter()
    for row in rows:
        counted[row.month, group_of(row, by), row.kind, "earned"] += row.earned
        counted[row.month, group_of(row, by), row.kind, "contra"] += row.contra
    cells = recognition_cells(rows, by)

    for cell in cells:
        assert cell.earned == counted.pop((cell.month, cell.group, cell.kind, "earned"), 0)
        assert cell.contra == counted.pop((cell.month, cell.group, cell.kind, "contra"), 0)
        assert cell.earned or cell.contra
    assert not any(counted.values())


@AGREEMENT
@examples(40, 1000)
@given(lines(), transitions(), credit_lists(), share_lists())
def test_expense_is_a_switch_of_column(
    line: BilledLine, statuses: Transitions, credits_of_line: list[Credit], shares: Shares
) -> None:
    by_policy = []
    for policy in (Policy(), Policy(uncollectible="expense")):
        parts = parts_of(line, statuses, credits_of_line, shares, policy)
        rows = [row for part in parts for row in month_rows(part, "usd")]
        recognized: Counter[tuple] = Counter()
        for cell in recognition_cells(rows, "stream"):
            kind = "revenue" if cell.kind == "expense" else cell.kind
            recognized[cell.month, cell.group, kind, "earned"] += cell.earned
            recognized[cell.month, cell.group, kind, "contra"] += cell.contra
        by_policy.append(
            (
                {key: amount for key, amount in recognized.items() if amount},
                deferred_cells(rows, "stream", 24_000, 25_000),
                waterfall_cells(rows, "stream"),
            )
        )

    assert by_policy[0] == by_policy[1]


@AGREEMENT
@examples(40, 1000)
@given(lines(), transitions(), credit_lists(), share_lists(), POLICIES)
def test_rows_of_parts_hold_all_of_them(
    line: BilledLine, statuses: Transitions, credits_of_line: list[Credit], shares: Shares, policy: Policy
) -> None:
    parts = parts_of(line, statuses, credits_of_line, shares, policy)
    rows = [row for part in parts for row in month_rows(part, "usd")]

    assert sum(row.earned + row.contra for row in rows) == sum(part.amount for part in parts)
    assert sum(row.contra for row in rows) == sum(part.contra for part in parts)


def test_order_of_rows_does_not_matter_and_currencies_never_add() -> None:
    rows = [MonthRow(currency, None, None, "revenue", "billing", 24_300, 24_301, 5, 0) for currency in ("usd", "eur")]

    assert recognition_cells(rows, "none") == recognition_cells(rows[::-1], "none")
    assert [cell.group.currency for cell in waterfall_cells(rows, "none")] == ["eur", "usd"]
    assert deferred_cells(rows, "none", 24_302, 24_303) == []
    assert deferred_cells([], "none", 24_300, 24_303) == []
