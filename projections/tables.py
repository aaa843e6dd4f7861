"""What projections keep: how far each has come, and the tables they fill. All of it can be made again from the log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)

from events.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)


def _key(name: str, kind: type[BigInteger | Integer | Text | Boolean]) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


projection_state = Table(
    "projection_state",
    metadata,
    _key("projection", Text),
    _key("build", Integer),
    _key("company_id", BigInteger),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False, server_default="live"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", INSTANT),
    Column("error", Text),
    Column("error_position", BigInteger),
    Column("updated_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("status IN ('building', 'ready', 'live', 'halted', 'retired')", name="status"),
)

# Which build of a projection a company's readers see.
projection_active = Table(
    "projection_active",
    metadata,
    _key("projection", Text),
    _key("company_id", BigInteger),
    Column("build", Integer, nullable=False),
)

revenue_line = Table(
    "revenue_line",
    metadata,
    _key("company_id", BigInteger),
    _key("build", Integer),
    _key("livemode", Boolean),
    _key("invoice_id", Text),
    _key("invoice_line_item_id", Text),
    Column("subscription_id", Text),
    Column("customer_id", Text),
    Column("customer_name", Text),
    Column("customer_name_on_invoice", Text),
    Column("description", Text),
    Column("date", Date, nullable=False),
    Column("period_start", INSTANT, nullable=False),
    Column("period_end", INSTANT, nullable=False),
    # Money in minor units of `currency`.
    Column("amount", BigInteger, nullable=False),
    Column("discount_amount", BigInteger, nullable=False),
    Column("tax_amount", BigInteger, nullable=False),
    Column("net_amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("currency_exponent", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("cadence", Text, nullable=False),
    Column("interval_unit", Text),
    Column("interval_count", Integer),
    Column("cadence_source", Text, nullable=False),
    Column("proration", Boolean, nullable=False),
    Column("quantity", Text),
    Column("price_id", Text),
    Column("product_id", Text),
    Column("invoice_number", Text),
    Column("invoice_status", Text, nullable=False),
    Column("invoice_complete", Boolean, nullable=False),
    # The event that last changed the row, and when the log recorded it.
    Column("position", BigInteger, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)
_scope = (revenue_line.c.company_id, revenue_line.c.build)
_in_order = (revenue_line.c.invoice_line_item_id, revenue_line.c.invoice_id)
Index("revenue_line_by_date", *_scope, revenue_line.c.livemode, revenue_line.c.date, *_in_order)
Index("revenue_line_by_amount", *_scope, revenue_line.c.livemode, revenue_line.c.amount, *_in_order)
Index("revenue_line_by_id", *_scope, revenue_line.c.invoice_line_item_id)
Index("revenue_line_by_customer", *_scope, revenue_line.c.customer_id)
Index("revenue_line_by_price", *_scope, revenue_line.c.price_id)
Index(
    "revenue_line_unpriced",
    *_scope,
    revenue_line.c.livemode,
    revenue_line.c.price_id,
    postgresql_where=text("type = 'unknown'"),
)


def _book(name: str, *columns: Column[object]) -> Table:
    return Table(
        name,
        metadata,
        _key("company_id", BigInteger),
        _key("build", Integer),
        _key("livemode", Boolean),
        _key("id", Text),
        # What is known, as JSON of the fold's own types.
        Column("book", LargeBinary, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("changed_at", INSTANT, nullable=False),
        *columns,
    )


revenue_invoice = _book(
    "revenue_invoice",
    # Newest sighting of the header, in Unix seconds: what is quarantined before it was read since.
    Column("seen_at", BigInteger, nullable=False),
    Column("lacks_lines", Boolean, nullable=False),
    Column("is_contested", Boolean, nullable=False),
)
revenue_price = _book("revenue_price")
revenue_customer = _book("revenue_customer", Column("is_contested", Boolean, nullable=False))
Index(
    "revenue_invoice_gaps",
    revenue_invoice.c.company_id,
    revenue_invoice.c.build,
    postgresql_where=text("lacks_lines OR is_contested"),
)
Index(
    "revenue_customer_gaps",
    revenue_customer.c.company_id,
    revenue_customer.c.build,
    postgresql_where=text("is_contested"),
)

# Facts about the books that could not be read.
revenue_quarantine = Table(
    "revenue_quarantine",
    metadata,
    _key("company_id", BigInteger),
    _key("build", Integer),
    _key("position", BigInteger),
    Column("livemode", Boolean, nullable=False),
    Column("entity", Text),
    Column("reason", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)
