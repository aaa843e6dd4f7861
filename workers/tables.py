"""Work that waits, as rows. A queue only wakes whoever does it."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, func, text

from events.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)

# Things of Stripe's that the table lacks. An answered row stays a while: should its answer not have closed the gap, it
# is not asked for again at once.
fetch_request = Table(
    "fetch_request",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("livemode", Boolean, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("object_id", Text, primary_key=True),
    Column("requested_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("due_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("answered_at", INSTANT),
    Column("error", Text),
    CheckConstraint("kind IN ('invoice', 'invoice_lines', 'price', 'customer')", name="kind"),
)
Index("fetch_request_due_at_idx", fetch_request.c.due_at)
