"""Tables of the parts of lines, of their past, and of what is recognized by month. All of it can be rebuilt.

Months are numbers, as in `projections.recognition.days`. A stream or plan that a part does not have is the empty text,
since it is part of keys. Amounts are in minor units of `currency`.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, Numeric, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from projections.facts.state_tables import key_column, metadata

_KEY = (
    ("company_id", BigInteger),
    ("build", Integer),
    ("livemode", Boolean),
    ("invoice_id", Text),
    ("invoice_line_item_id", Text),
    ("share", SmallInteger),
    ("step", SmallInteger),
)
NOT_MAPPED = ""


def _columns() -> tuple[Column[object], ...]:
    return (
        # Why the line's amount changed on the booked day: `projections.recognition.steps.Cause`.
        Column("cause", Text, nullable=False),
        Column("credit_note_id", Text),
        # What mapped the line: `unmapped`, `rule`, `subscription_override` or `line_override`.
        Column("layer", Text, nullable=False),
        Column("rule_id", Text),
        Column("stream_id", Text, nullable=False),
        Column("plan_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("basis_points", SmallInteger, nullable=False),
        # JSON of the treatment that the share was given; NULL is the line's own.
        Column("treatment", Text),
        Column("currency", Text, nullable=False),
        # The day of the line, by which lines are ordered. Builds of older releases do not have it.
        Column("line_date", Date),
        Column("booked_on", Date, nullable=False),
        Column("is_booked_estimated", Boolean, nullable=False),
        # The days over which it is earned: from the first until, and without, the second.
        Column("starts_on", Date, nullable=False),
        Column("ends_on", Date, nullable=False),
        Column("amount", BigInteger, nullable=False),
        # What is recognized in each month from the first to the last; contra lies in the booked month.
        Column("first_month", Integer, nullable=False),
        Column("last_month", Integer, nullable=False),
        Column("months", ARRAY(BigInteger), nullable=False),
        Column("contra", BigInteger, nullable=False),
        Column("expense", BigInteger, nullable=False),
    )


revenue_part = Table(
    "revenue_part",
    metadata,
    *(key_column(name, kind) for name, kind in _KEY),
    *_columns(),
    # The event that last changed the part.
    Column("position", BigInteger, nullable=False),
)
# A part stood from its position to just before `until`.
revenue_part_past = Table(
    "revenue_part_past",
    metadata,
    *(key_column(name, kind) for name, kind in _KEY),
    key_column("position", BigInteger),
    *_columns(),
    Column("until", BigInteger, nullable=False),
)
_part, _past = revenue_part.c, revenue_part_past.c
_scope, _past_scope = (_part.company_id, _part.build), (_past.company_id, _past.build)
# Parts with a balance that their own months do not show: earned after the month of their booking, or before it.
_BOOKED_MONTH = "(EXTRACT(year FROM booked_on) * 12 + EXTRACT(month FROM booked_on) - 1)"
for _table in (revenue_part, revenue_part_past):
    _of = _table.c
    _mode = (_of.company_id, _of.build, _of.livemode)
    Index(f"{_table.name}_by_month", *_mode, _of.last_month, _of.first_month)
    Index(
        f"{_table.name}_billed_ahead",
        *(*_mode, _of.first_month, _of.booked_on),
        postgresql_where=text(f"{_BOOKED_MONTH} < first_month"),
    )
    Index(
        f"{_table.name}_billed_late",
        *(*_mode, _of.booked_on, _of.last_month),
        postgresql_where=text(f"{_BOOKED_MONTH} > last_month"),
    )
Index("revenue_part_by_position", *_scope, _part.position)
# In the order of lines by their days.
Index(
    "revenue_part_of_stream",
    *_scope,
    _part.livemode,
    _part.stream_id,
    _part.line_date,
    _part.invoice_line_item_id,
    _part.invoice_id,
    postgresql_where=(_part.step == 0) & (_part.layer != "unmapped"),
)
# In the order of the lines' own key, so that lines are joined as they are read.
Index(
    "revenue_part_unmapped",
    *_scope,
    _part.livemode,
    _part.invoice_id,
    _part.invoice_line_item_id,
    postgresql_where=(_part.step == 0) & (_part.layer == "unmapped"),
)
Index("revenue_part_past_by_position", *_past_scope, _past.position)
Index("revenue_part_past_by_until", *_past_scope, _past.until)

RECOGNITION_KEY = ("livemode", "currency", "stream_id", "plan_id", "kind", "cause", "booked_month", "month")


def _by_month(name: str, *more_of_the_key: Column[object]) -> Table:
    return Table(
        name,
        metadata,
        key_column("company_id", BigInteger),
        key_column("build", Integer),
        key_column("livemode", Boolean),
        key_column("currency", Text),
        key_column("stream_id", Text),
        key_column("plan_id", Text),
        key_column("kind", Text),
        key_column("cause", Text),
        key_column("booked_month", Integer),
        key_column("month", Integer),
        *more_of_the_key,
        Column("earned", Numeric, nullable=False),
        Column("contra", Numeric, nullable=False),
    )


recognition_by_month = _by_month("recognition_by_month")
# What each stretch of the log added to `recognition_by_month`.
recognition_month_stretch = _by_month("recognition_month_stretch", key_column("stretch", BigInteger))
