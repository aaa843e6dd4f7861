"""When exports recur: on the clocks of a time zone, on the last day of months that are too short."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlog.exports.recurrence import Recurrence

ZONES = ("UTC", "Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("recurrence", "after", "expected"),
    [
        (Recurrence("daily", None, 6, "UTC"), "2026-03-01 05:59:59", "2026-03-01 06:00"),
        (Recurrence("daily", None, 6, "UTC"), "2026-03-01 06:00", "2026-03-02 06:00"),
        (Recurrence("daily", None, 0, "America/New_York"), "2026-03-01 04:00", "2026-03-01 05:00"),
        # Clocks go forward on 2026-03-29 and back on 2026-10-25.
        (Recurrence("daily", None, 6, "Europe/Zurich"), "2026-03-28 06:00", "2026-03-29 04:00"),
        (Recurrence("daily", None, 2, "Europe/Zurich"), "2026-03-28 12:00", "2026-03-29 01:00"),
        (Recurrence("daily", None, 2, "Europe/Zurich"), "2026-10-24 12:00", "2026-10-25 00:00"),
        (Recurrence("monthly", 1, 0, "UTC"), "2026-12-15", "2027-01-01"),
        (Recurrence("monthly", 31, 7, "UTC"), "2026-02-01", "2026-02-28 07:00"),
        (Recurrence("monthly", 31, 7, "UTC"), "2028-02-01", "2028-02-29 07:00"),
        (Recurrence("monthly", 31, 7, "UTC"), "2026-03-31 07:00", "2026-04-30 07:00"),
    ],
)
def test_the_next_moment_is_the_first_one_after(recurrence: Recurrence, after: str, expected: str) -> None:
    assert recurrence.after(at(after)) == at(expected)


@given(
    day=st.none() | st.integers(1, 31),
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    after=st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    days_later=st.integers(0, 100),
)
def test_moments_come_in_order_and_none_is_left_out(
    day: int | None, hour: int, zone: str, after: datetime, days_later: int
) -> None:
    recurrence = Recurrence("daily" if day is None else "monthly", day, hour, zone)
    first = recurrence.after(after)
    now = first + timedelta(days=days_later)

    due, following = recurrence.newest_due(first, now)

    assert after < first <= due <= now < following
    assert recurrence.after(due) == following
    assert first - after <= timedelta(days=2 if day is None else 33)
