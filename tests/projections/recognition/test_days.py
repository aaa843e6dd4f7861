"""Days are those of the company's own calendar, and months count up by one."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.recognition.billing import BilledLine
from projections.recognition.days import (
    UnknownTimeZoneError,
    day_of,
    first_day,
    month_named,
    month_of,
    month_text,
    plus_months,
    utc_day_of,
    zone_names,
    zone_of,
)
from projections.recognition.outcome import Share, Treatment
from projections.recognition.spans import Span, span_of
from tests.support.recognition import UTC_ZONE, at, day

LAST_SECOND_OF_STRIPE = 253_402_300_799


@settings(max_examples=300)
@given(st.integers(0, at("2040-01-01")), st.sampled_from(sorted(zone_names())))
def test_day_is_the_local_date(second: int, name: str) -> None:
    local = datetime.fromtimestamp(second, UTC).astimezone(zone_of(name))

    assert date.fromordinal(day_of(second, zone_of(name))) == local.date()


@given(st.integers(-(2**31), LAST_SECOND_OF_STRIPE))
def test_day_of_utc_is_that_of_the_calendar(second: int) -> None:
    ordinal = datetime.fromtimestamp(second, UTC).toordinal()

    assert utc_day_of(second) == ordinal
    assert day_of(second, UTC_ZONE) == min(ordinal, date(9999, 1, 1).toordinal())


def test_day_goes_back_where_clocks_go_back_over_midnight() -> None:
    zone = zone_of("America/St_Johns")
    after_midnight = at("2010-11-07T02:30:30")

    assert day_of(after_midnight, zone) == day("2010-11-07")
    assert day_of(after_midnight + 60, zone) == day("2010-11-06")


@pytest.mark.parametrize("name", ["", "utc+1", "Europe/Nowhere", "../etc/passwd", "/etc/localtime"])
def test_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError):
        zone_of(name)


def test_zone_does_not_depend_on_the_machine() -> None:
    assert isinstance(zone_of("Europe/Prague"), ZoneInfo)
    assert zone_of("Europe/Prague") is not ZoneInfo("Europe/Prague")


@given(st.integers(day("1970-01-01"), day("9998-12-31")))
def test_day_lies_within_its_month(number: int) -> None:
    month = month_of(number)

    assert first_day(month) <= number < first_day(month + 1)
    assert month_text(month) == date.fromordinal(number).isoformat()[:7]
    assert month_named(month_text(month)) == month


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "01-2026", ""])
def test_month_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        month_named(text)


@pytest.mark.parametrize(
    ("begin", "count", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2024-02-29", 12, "2025-02-28"),
        ("9998-12-31", 12, "9999-01-01"),
    ],
)
def test_months_later_is_the_same_day_or_the_last(begin: str, count: int, expected: str) -> None:
    assert plus_months(day(begin), count) == day(expected)


PERIODS = {
    "half-open": ("2026-01-15T00:00", "2026-02-15T00:00", "2026-01-15", "2026-02-15"),
    "to the last second": ("2026-01-15T00:00", "2026-02-14T23:59:59", "2026-01-15", "2026-02-15"),
    "to the second before the last": ("2026-01-15T00:00", "2026-02-14T23:59:58", "2026-01-15", "2026-02-14"),
    "from noon to noon": ("2026-01-15T12:00", "2026-02-15T12:00", "2026-01-15", "2026-02-15"),
    "within a day": ("2026-01-15T10:00", "2026-01-15T12:00", "2026-01-15", "2026-01-16"),
    "one second": ("2026-01-15T23:59:58", "2026-01-15T23:59:59", "2026-01-15", "2026-01-16"),
    "without length": ("2026-01-15T10:00", "2026-01-15T10:00", "2026-03-01", "2026-03-02"),
    "backwards": ("2026-01-15T10:00", "2026-01-14T10:00", "2026-03-01", "2026-03-02"),
}


@pytest.mark.parametrize(("start", "end", "first", "after"), PERIODS.values(), ids=PERIODS)
def test_line_is_earned_on_the_days_of_its_period(start: str, end: str, first: str, after: str) -> None:
    line = BilledLine(100, at(start), at(end))

    assert span_of(Share(10_000), line, day("2026-03-01"), UTC_ZONE) == Span(day(first), day(after))


@pytest.mark.parametrize(
    ("share", "first", "after"),
    [
        (Share(10_000, treatment=Treatment("booked")), "2026-03-01", "2026-03-02"),
        (Share(10_000, treatment=Treatment("booked", 2, "period_start")), "2026-03-01", "2026-03-02"),
        (Share(10_000, treatment=Treatment("months", 2)), "2026-03-01", "2026-05-01"),
        (Share(10_000, treatment=Treatment("months", 2, "period_start")), "2026-01-15", "2026-03-15"),
        (Share(10_000, kind="tax"), "2026-03-01", "2026-03-02"),
        (Share(10_000, kind="pass_through", treatment=Treatment("months", 2)), "2026-03-01", "2026-03-02"),
    ],
)
def test_treatment_chooses_the_days(share: Share, first: str, after: str) -> None:
    line = BilledLine(100, at("2026-01-15"), at("2026-02-15"))

    assert span_of(share, line, day("2026-03-01"), UTC_ZONE) == Span(day(first), day(after))


@pytest.mark.parametrize("name", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
def test_last_second_that_stripe_can_write_has_a_day(name: str) -> None:
    line = BilledLine(100, LAST_SECOND_OF_STRIPE - 1, LAST_SECOND_OF_STRIPE)
    share = Share(10_000, treatment=Treatment("months", 120, "period_start"))

    for span in (span_of(Share(10_000), line, 1, zone_of(name)), span_of(share, line, 1, zone_of(name))):
        assert span.end == span.start + 1
        assert first_day(month_of(span.end) + 1) > span.start
