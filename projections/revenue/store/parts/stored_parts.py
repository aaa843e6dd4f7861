"""Read rows of the table of parts as the values that the law derives."""

from datetime import date
from typing import Any

from sqlalchemy import Row

from projections.recognition.parts import Part

PartRow = Row[Any]


def part_of(row: PartRow) -> Part:
    """Return a row as the part that it stores."""
    return Part(
        row.share,
        row.step,
        row.cause,
        row.stream_id or None,
        row.plan_id or None,
        row.kind,
        date.toordinal(row.booked_on),
        row.is_booked_estimated,
        date.toordinal(row.starts_on),
        date.toordinal(row.ends_on),
        row.amount,
        row.first_month,
        tuple(row.months),
        row.contra,
        row.expense,
        row.credit_note_id,
    )
