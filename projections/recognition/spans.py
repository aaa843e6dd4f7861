"""The days over which a share of a line is earned, evenly by day. Pure.

https://docs.stripe.com/revenue-recognition/methodology/subscriptions-and-invoicing: each line is earned over its own
service period, whether it is paid or not (ASC 606-10-25-31).
"""

from zoneinfo import ZoneInfo

from msgspec import Struct

from projections.recognition.billing import BilledLine
from projections.recognition.days import day_of, plus_months
from projections.recognition.outcome import REVENUE, Share


class Span(Struct, frozen=True, gc=False):
    """The days from `start` until, and without, `end`; never empty."""

    start: int
    end: int


def span_of(share: Share, line: BilledLine, booked: int, zone: ZoneInfo) -> Span:
    """Return the days over which a share is earned; `booked` is the day on which its invoice was finalized."""
    if share.kind != REVENUE:
        return Span(booked, booked + 1)
    treatment = share.treatment
    if treatment is None or treatment.kind == "period":
        return _service_days(line, booked, zone)
    if treatment.kind == "booked":
        return Span(booked, booked + 1)
    start = booked if treatment.anchor == "booked" else day_of(line.period_start, zone)
    return Span(start, max(plus_months(start, treatment.months), start + 1))


def _service_days(line: BilledLine, booked: int, zone: ZoneInfo) -> Span:
    if line.period_end <= line.period_start:
        return Span(booked, booked + 1)
    # Stripe's periods end at the first second of the next one, some imported ones at the last second of their own day:
    # one second later, both are the day after the last.
    start, end = day_of(line.period_start, zone), day_of(line.period_end + 1, zone)
    return Span(start, end if end > start else start + 1)
