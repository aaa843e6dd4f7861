"""Tables of scheduled exports."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from events.log.tables import INSTANT
from tenants.tables import company
from tenants.tables import metadata as tenants_metadata

metadata = MetaData(naming_convention=tenants_metadata.naming_convention)

# An export of one view of the table that people are told of daily or monthly, at an hour of a time zone. `due_at` is
# null while it is paused.
export_schedule = Table(
    "export_schedule",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("format", Text, nullable=False),
    Column("view", JSONB, nullable=False),
    Column("recurs", Text, nullable=False),
    Column("day", SmallInteger),
    Column("hour", SmallInteger, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("emails", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("idempotency_key", Text),
    Column("due_at", INSTANT),
    CheckConstraint("format IN ('csv', 'xlsx')", name="format"),
    CheckConstraint("recurs IN ('daily', 'monthly')", name="recurs"),
    CheckConstraint("(recurs = 'monthly') = (day IS NOT NULL) AND day BETWEEN 1 AND 31", name="day"),
    CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
)
Index("export_schedule_of_company", export_schedule.c.company_id, export_schedule.c.id)
Index("export_schedule_once", export_schedule.c.company_id, export_schedule.c.idempotency_key, unique=True)
Index("export_schedule_due", export_schedule.c.due_at, postgresql_where=text("due_at IS NOT NULL"))

# A moment at which a schedule was due, and the position of the log at that moment.
export_run = Table(
    "export_run",
    metadata,
    Column("schedule_id", BigInteger, ForeignKey(export_schedule.c.id, ondelete="CASCADE"), primary_key=True),
    Column("due_at", INSTANT, primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("told_at", INSTANT, nullable=False),
)
