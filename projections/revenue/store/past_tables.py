"""Tables of past row versions, and of the sums of rows: by month, and as one checksum."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, Numeric, Table, Text

from projections.facts.state_tables import key_column, metadata
from projections.revenue.store.tables import revenue_line

# In the order of the primary key, by which one line is looked up.
_PAST_KEY = ("company_id", "build", "invoice_line_item_id", "livemode", "invoice_id", "position")

# A row stood from its position to just before `until`.
revenue_line_past = Table(
    "revenue_line_past",
    metadata,
    *(key_column(name, type(revenue_line.c[name].type)) for name in _PAST_KEY),
    *(
        Column(column.name, column.type, nullable=column.nullable, server_default=column.server_default)
        for column in revenue_line.c
        if column.name not in _PAST_KEY
    ),
    Column("until", BigInteger, nullable=False),
    # Whether the line left the table then; if not, another version of it followed.
    Column("is_removed", Boolean, nullable=False),
    # Whether the line has since left the table, or its place in its order: `projections.reads.table.as_of` says why.
    Column("is_displaced", Boolean, nullable=False),
)
_past = revenue_line_past.c
_scope = (_past.company_id, _past.build)
Index("revenue_line_past_by_position", *_scope, _past.position)
Index("revenue_line_past_by_until", *_scope, _past.until)
Index("revenue_line_past_displaced", *_scope, _past.until, postgresql_where=_past.is_displaced)

# The position at which the first line of a day came into the table.
revenue_day = Table(
    "revenue_day",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("livemode", Boolean),
    Column("date", Date, primary_key=True),
    Column("first_position", BigInteger, nullable=False),
)

# The sum of the hashes of all rows up to `position`, the last at which a row changed in that stretch of the log.
revenue_checksum = Table(
    "revenue_checksum",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("stretch", BigInteger),
    Column("position", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("checksum", LargeBinary, nullable=False),
)

MONTH_KEY = ("livemode", "month", "currency", "invoice_status", "type", "cadence")


def _by_month(name: str, *more_of_the_key: Column[object]) -> Table:
    return Table(
        name,
        metadata,
        key_column("company_id", BigInteger),
        key_column("build", Integer),
        key_column("livemode", Boolean),
        Column("month", Date, primary_key=True),
        key_column("currency", Text),
        key_column("invoice_status", Text),
        key_column("type", Text),
        key_column("cadence", Text),
        *more_of_the_key,
        Column("count", BigInteger, nullable=False),
        # Money in minor units of `currency`; numeric, as the number of lines has no bound.
        Column("amount", Numeric, nullable=False),
        Column("net_amount", Numeric, nullable=False),
    )


revenue_by_month = _by_month("revenue_by_month")
# What each stretch of the log added to `revenue_by_month`.
revenue_month_stretch = _by_month("revenue_month_stretch", key_column("stretch", BigInteger))
