"""Billed lines with round dates, what is recognized of them, and random ones for properties."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import strategies as st

from projections.recognition.billing import BilledLine, Credit, Moment, Policy, Transitions
from projections.recognition.days import day_of, month_of, month_text, zone_of
from projections.recognition.outcome import KINDS, REVENUE, UNMAPPED, Share, Shares, Treatment
from projections.recognition.parts import Part, parts_of
from projections.recognition.rounding import WHOLE

UTC_ZONE = zone_of("UTC")
SECONDS_A_DAY = 86_400


def at(text: str) -> int:
    """Return the Unix second of a day or moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(text: str) -> int:
    return day_of(at(text), UTC_ZONE)


def cents(amounts: str) -> list[int]:
    """Return amounts such as `17.00 14.00` in minor units."""
    return [int(Fraction(amount) * 100) for amount in amounts.split()]


class Case:
    """A line with all that happens to it, written as people would."""

    def __init__(
        self, amount: str, start: str, end: str, *, booked: str | None = None, shares: Shares = UNMAPPED
    ) -> None:
        (net_amount,) = cents(amount)
        self.line = BilledLine(net_amount, at(start), at(end))
        self.transitions = Transitions(Moment(at(booked or start)))
        self.credits: list[Credit] = []
        self.shares = shares
        self.policy = Policy()

    def with_status(self, **days: str) -> "Case":
        moments = {status: Moment(at(when)) for status, when in days.items()}
        self.transitions = self.transitions._replace(**moments)
        return self

    def with_credit(self, amount: str, effective: str, *, voided: str | None = None) -> "Case":
        (minor,) = cents(amount)
        until = None if voided is None else Moment(at(voided))
        self.credits.append(Credit(f"cn_{len(self.credits)}", minor, Moment(at(effective)), until))
        return self

    def with_policy(self, policy: Policy) -> "Case":
        self.policy = policy
        return self

    @property
    def given(self) -> tuple[BilledLine, Transitions, list[Credit], Shares, Policy]:
        return self.line, self.transitions, self.credits, self.shares, self.policy

    def parts(self) -> list[Part]:
        return parts_of(*self.given)


def by_month(parts: Iterable[Part]) -> dict[str, int]:
    """Return what parts recognize by month, without months of zero."""
    months: Counter[int] = Counter()
    for part in parts:
        months.update(dict(enumerate(part.months, start=part.first_month)))
    return {month_text(month): amount for month, amount in sorted(months.items()) if amount}


def contra_by_month(parts: Iterable[Part]) -> dict[str, int]:
    months: Counter[int] = Counter()
    for part in parts:
        months[month_of(part.booked)] += part.contra
    return {month_text(month): amount for month, amount in sorted(months.items()) if amount}


def recognized_until(parts: Iterable[Part], month: int) -> int:
    """Return what parts recognize before a month."""
    return sum(sum(part.months[: max(month - part.first_month, 0)]) for part in parts)


ZONES = ("UTC", "America/Los_Angeles", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Africa/Monrovia")
AMOUNTS = st.integers(-100_000, 100_000) | st.integers(-(2**63), 2**63 - 1)
# Across clock changes after midnight in St. John's, a day that Apia skipped, a year's end and a leap day.
MOMENTS = st.integers(at("2011-10-01"), at("2012-04-01"))
_LENGTHS = st.sampled_from((0, 1, 3600, SECONDS_A_DAY - 1, SECONDS_A_DAY)) | st.integers(-5, 400 * SECONDS_A_DAY)
_ESTIMATED = st.builds(Moment, MOMENTS, st.booleans())
_TREATMENTS = st.none() | st.sampled_from(
    [Treatment("period"), Treatment("booked"), Treatment("months", 1), Treatment("months", 12, "period_start")]
)


@st.composite
def lines(draw: st.DrawFn) -> BilledLine:
    start = draw(MOMENTS)
    return BilledLine(draw(AMOUNTS), start, start + draw(_LENGTHS))


@st.composite
def transitions(draw: st.DrawFn) -> Transitions:
    uncollectible, ended = draw(st.none() | _ESTIMATED), draw(st.none() | _ESTIMATED)
    is_void = draw(st.booleans())
    return Transitions(draw(_ESTIMATED), uncollectible, ended if is_void else None, None if is_void else ended)


@st.composite
def credit_lists(draw: st.DrawFn) -> list[Credit]:
    amounts = draw(st.lists(AMOUNTS, max_size=3))
    return [
        Credit(f"cn_{number}", amount, draw(_ESTIMATED), draw(st.none() | _ESTIMATED))
        for number, amount in enumerate(amounts)
    ]


@st.composite
def share_lists(draw: st.DrawFn, treatments: st.SearchStrategy[Treatment | None] = _TREATMENTS) -> Shares:
    cuts = sorted(draw(st.sets(st.integers(1, WHOLE - 1), max_size=3)))
    kinds = st.just(REVENUE) | st.sampled_from(KINDS)
    return tuple(
        Share(upto - below, f"str_{below}", None, draw(kinds), draw(treatments))
        for below, upto in zip([0, *cuts], [*cuts, WHOLE], strict=True)
    )


POLICIES = st.builds(
    Policy, st.sampled_from(ZONES), st.sampled_from(("contra", "expense")), st.sampled_from(("none", "booked"))
)
