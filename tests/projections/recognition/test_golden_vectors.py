"""Amounts that were worked out by hand, most of them beside Stripe's own documentation, to the cent."""

import pytest

from projections.recognition.billing import Policy
from projections.recognition.days import month_named
from projections.recognition.month_rows import month_rows
from projections.recognition.outcome import Share, Treatment
from projections.recognition.reports import deferred_cells
from projections.recognition.rounding import shared_out
from tests.support.recognition import Case, by_month, cents, contra_by_month, day


def months(amounts: str, first: str = "2026-01") -> dict[str, int]:
    """Return amounts by month, in a row; `0` for a month without any."""
    begin = month_named(first)
    found = {
        f"{month // 12:04}-{month % 12 + 1:02}": amount for month, amount in enumerate(cents(amounts), start=begin)
    }
    return {month: amount for month, amount in found.items() if amount}


PLAIN = {
    "G1 a month from the 15th": (Case("31.00", "2026-01-15", "2026-02-15"), "17.00 14.00", "2026-01"),
    "G1 and its mirror": (Case("-31.00", "2026-01-15", "2026-02-15"), "-17.00 -14.00", "2026-01"),
    "G2 a year": (
        Case("100.00", "2025-01-01", "2026-01-01"),
        "8.49 7.67 8.50 8.22 8.49 8.22 8.49 8.50 8.21 8.50 8.22 8.49",
        "2025-01",
    ),
    "G3 a leap year": (
        Case("100.00", "2024-01-01", "2025-01-01"),
        "8.47 7.92 8.47 8.20 8.47 8.20 8.47 8.47 8.19 8.47 8.20 8.47",
        "2024-01",
    ),
    "G4 a currency without decimals": (Case("1.00", "2026-01-01", "2026-04-01"), "0.34 0.32 0.34", "2026-01"),
    "G5 a quarter across the year's end": (
        Case("300.00", "2025-11-30", "2026-02-28"),
        "3.33 103.34 103.33 90.00",
        "2025-11",
    ),
    "G7 an item without a period, booked later": (
        Case("5.00", "2026-01-03", "2026-01-03", booked="2026-02-01"),
        "5.00",
        "2026-02",
    ),
    "G16 by days of UTC": (Case("28.00", "2026-02-01T05:00", "2026-03-01T05:00"), "28.00", "2026-02"),
    "G16 by days of Los Angeles": (
        Case("28.00", "2026-02-01T05:00", "2026-03-01T05:00").with_policy(Policy("America/Los_Angeles")),
        "1.00 27.00",
        "2026-01",
    ),
    "G17 from noon to noon": (
        Case("120.00", "2024-06-15T12:00", "2024-10-13T12:00"),
        "16.00 31.00 31.00 30.00 12.00",
        "2024-06",
    ),
    "G18 to the last second of the last day": (
        Case("31.00", "2026-01-15", "2026-02-14T23:59:59"),
        "17.00 14.00",
        "2026-01",
    ),
    "a setup fee over twelve months": (
        Case("1200.00", "2026-02-01", "2026-02-01", shares=(Share(10_000, treatment=Treatment("months", 12)),)),
        "92.05 101.92 98.63 101.92 98.63 101.92 101.92 98.63 101.91 98.63 101.92 101.92",
        "2026-02",
    ),
}


@pytest.mark.parametrize(("case", "expected", "first"), PLAIN.values(), ids=PLAIN)
def test_line_is_earned_by_the_day(case: Case, expected: str, first: str) -> None:
    assert by_month(case.parts()) == months(expected, first)
    assert contra_by_month(case.parts()) == {}


STEPS = {
    "G8 void": (
        Case("31.00", "2026-01-15", "2026-02-15").with_status(voided="2026-02-01"),
        "17.00 -17.00",
        {"2026-02": -1700},
    ),
    "G9 credit note": (
        Case("90.00", "2026-01-01", "2026-04-01").with_credit("45.00", "2026-02-01"),
        "31.00 -1.50 15.50",
        {"2026-02": -1550},
    ),
    "G10 credit note within the first month": (
        Case("120.00", "2026-01-01", "2026-04-01").with_credit("30.00", "2026-01-10"),
        "31.00 28.00 31.00",
        {"2026-01": -300},
    ),
    "G11 credit note, voided later": (
        Case("181.00", "2026-01-01", "2026-07-01").with_credit("90.50", "2026-02-01", voided="2026-05-03"),
        "31.00 -1.50 15.50 15.00 91.00 30.00",
        {"2026-02": -1550, "2026-05": 6100},
    ),
    "G12 uncollectible, then paid": (
        Case("90.00", "2026-01-01", "2026-04-01").with_status(uncollectible="2026-02-01", paid="2026-04-10"),
        "31.00 -31.00 0 90.00",
        {"2026-02": -3100, "2026-04": 9000},
    ),
    "G13 refund": (
        Case("90.00", "2026-01-01", "2026-04-01").with_credit("9.00", "2026-02-01"),
        "31.00 22.10 27.90",
        {"2026-02": -310},
    ),
    "uncollectible, then void": (
        Case("31.00", "2026-01-15", "2026-02-15").with_status(uncollectible="2026-02-01", voided="2026-03-01"),
        "17.00 -17.00",
        {"2026-02": -1700},
    ),
}


@pytest.mark.parametrize(("case", "net", "contra"), STEPS.values(), ids=STEPS)
def test_step_changes_the_months_from_its_day_on(case: Case, net: str, contra: dict[str, int]) -> None:
    assert by_month(case.parts()) == months(net)
    assert contra_by_month(case.parts()) == contra


def test_g6_prorations_are_earned_in_their_own_period_and_unbilled_until_booked() -> None:
    parts = [
        *Case("90.00", "2026-04-01", "2026-05-01").parts(),
        *Case("-30.00", "2026-04-21", "2026-05-01", booked="2026-05-01").parts(),
        *Case("40.00", "2026-04-21", "2026-05-01", booked="2026-05-01").parts(),
    ]
    rows = [row for part in parts for row in month_rows(part, "usd")]
    april, may = deferred_cells(rows, "none", month_named("2026-04"), month_named("2026-05"))

    assert by_month(parts) == {"2026-04": 10_000}
    assert (april.deferred, april.unbilled, april.closing) == (0, 1000, -1000)
    assert (may.opening, may.booked, may.closing) == (-1000, 1000, 0)


def test_g8_void_invoice_leaves_nothing_deferred() -> None:
    parts = Case("31.00", "2026-01-15", "2026-02-15").with_status(voided="2026-02-01").parts()
    rows = [row for part in parts for row in month_rows(part, "usd")]
    january, february = deferred_cells(rows, "none", month_named("2026-01"), month_named("2026-02"))

    assert (january.closing, january.deferred) == (1400, 1400)
    assert (february.booked, february.earned, february.contra, february.closing) == (-3100, 0, -1700, 0)


def test_step_that_waits_for_its_day_has_no_months_before_the_period() -> None:
    case = Case("90.00", "2026-02-01", "2026-05-02", booked="2026-01-10").with_policy(Policy(catch_up="booked"))

    (part,) = case.parts()

    assert (part.first_month, list(part.months)) == (month_named("2026-02"), cents("28.00 31.00 30.00 1.00"))


def test_g14_shares_add_up_to_the_line_in_every_month() -> None:
    thirds = Case("100.00", "2026-01-01", "2026-04-01", shares=(Share(3333), Share(3333), Share(3334))).parts()

    assert [list(part.months) for part in thirds] == [
        cents("11.48 10.37 11.48"),
        cents("11.48 10.37 11.48"),
        cents("11.48 10.38 11.48"),
    ]


def test_g15_halves_of_a_few_cents_add_up() -> None:
    halves = Case("0.05", "2026-01-01", "2026-04-01", shares=(Share(5000), Share(5000))).parts()

    assert [list(part.months) for part in halves] == [[1, 1, 0], [1, 0, 2]]


def test_g19_upgrade_within_a_year() -> None:
    parts = [
        *Case("1200.00", "2026-01-10", "2027-01-10").parts(),
        *Case("-634.52", "2026-07-01", "2027-01-10").parts(),
        *Case("1269.04", "2026-07-01", "2027-01-10").parts(),
    ]

    assert by_month(parts) == months(
        "72.33 92.05 101.92 98.63 101.92 98.63 203.84 203.83 197.26 203.84 197.26 203.83 59.18"
    )


def test_g20_custom_credit_is_shared_out_over_signed_lines() -> None:
    assert list(shared_out(2000, (6000, 3000, -1000), 8000)) == [1500, 750, -250]
    assert list(shared_out(-2000, (-6000, -3000, 1000), -8000)) == [-1500, -750, 250]
    assert list(shared_out(100, (-1, -1, -1), -3)) == [33, 34, 33]


def test_g21_void_after_all_was_earned_has_a_booked_month_of_its_own() -> None:
    parts = Case("31.00", "2026-07-21", "2026-08-21", booked="2026-07-14").with_status(voided="2026-09-12").parts()

    assert [(part.booked, part.amount, by_month([part])) for part in parts] == [
        (day("2026-07-14"), 3100, {"2026-07": 1100, "2026-08": 2000}),
        (day("2026-09-12"), -3100, {"2026-09": -3100}),
    ]
