"""The revenue mapping table and the state behind it. All of it can be rebuilt from the log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from events.log.tables import INSTANT
from projections.facts.state_tables import key_column, metadata

revenue_line = Table(
    "revenue_line",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("livemode", Boolean),
    key_column("invoice_id", Text),
    key_column("invoice_line_item_id", Text),
    Column("subscription_id", Text),
    Column("customer_id", Text),
    Column("customer_name", Text),
    Column("product_name", Text),
    Column("customer_name_on_invoice", Text),
    # The address that the invoice names; unlike a name, no later one is known.
    Column("customer_email", Text),
    # The name, or else the address, without case: what lines are ordered by.
    Column("customer_order", Text),
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
    Column("price_name", Text),
    Column("proration", Boolean, nullable=False),
    Column("quantity", Text),
    Column("price_id", Text),
    Column("product_id", Text),
    Column("invoice_number", Text),
    Column("invoice_status", Text, nullable=False),
    Column("invoice_complete", Boolean, nullable=False),
    # What issued credit notes take from the line.
    Column("credited_amount", BigInteger, nullable=False, server_default=text("0")),
    # The event that last changed the row, and when the log recorded it.
    Column("position", BigInteger, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    # The event with which the line came into the table; it has been there since, perhaps with other values.
    Column("first_position", BigInteger, nullable=False, server_default=text("0")),
)
_scope = (revenue_line.c.company_id, revenue_line.c.build)
# Values that few lines may share. The type follows from the cadence, and a longer key makes an index slower.
COMBINATION = ("cadence", "invoice_status", "currency")
_in_order = (revenue_line.c.invoice_line_item_id, revenue_line.c.invoice_id)
Index("revenue_line_by_date", *_scope, revenue_line.c.livemode, revenue_line.c.date, *_in_order)
Index(
    "revenue_line_by_amount",
    *_scope,
    revenue_line.c.livemode,
    revenue_line.c.currency,
    revenue_line.c.amount,
    *_in_order,
)
Index("revenue_line_by_customer_order", *_scope, revenue_line.c.livemode, revenue_line.c.customer_order, *_in_order)
Index("revenue_line_by_id", *_scope, revenue_line.c.invoice_line_item_id)
Index("revenue_line_by_customer", *_scope, revenue_line.c.customer_id)
Index("revenue_line_by_price", *_scope, revenue_line.c.price_id)
Index("revenue_line_by_subscription", *_scope, revenue_line.c.subscription_id)
Index("revenue_line_by_kind", *_scope, *(revenue_line.c[name] for name in COMBINATION))
Index("revenue_line_by_product", *_scope, revenue_line.c.product_id)
Index("revenue_line_by_position", *_scope, revenue_line.c.position, *_in_order)
Index(
    "revenue_line_unpriced",
    *_scope,
    revenue_line.c.livemode,
    revenue_line.c.price_id,
    postgresql_where=text("type = 'unknown'"),
)


def _state_table(name: str, *columns: Column[object]) -> Table:
    return Table(
        name,
        metadata,
        key_column("company_id", BigInteger),
        key_column("build", Integer),
        key_column("livemode", Boolean),
        key_column("id", Text),
        # The state as JSON of the fold's own types, whose fields are written as arrays.
        Column("book", LargeBinary, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("changed_at", INSTANT, nullable=False),
        *columns,
    )


revenue_invoice = _state_table(
    "revenue_invoice",
    # Newest sighting of the header, in Unix seconds: facts quarantined up to then are resolved.
    Column("seen_at", BigInteger, nullable=False),
    Column("lacks_lines", Boolean, nullable=False),
    Column("is_contested", Boolean, nullable=False),
)
revenue_price = _state_table(
    "revenue_price", Column("is_contested", Boolean, nullable=False, server_default=text("false"))
)
# A product that lines refer to is here before its name is known.
revenue_product = _state_table("revenue_product", Column("is_gap", Boolean, nullable=False))
revenue_customer = _state_table("revenue_customer", Column("is_contested", Boolean, nullable=False))
Index(
    "revenue_invoice_gaps",
    revenue_invoice.c.company_id,
    revenue_invoice.c.build,
    postgresql_where=text("lacks_lines OR is_contested"),
)
for _table, _is_lacking in (
    (revenue_price, "is_contested"),
    (revenue_product, "is_gap"),
    (revenue_customer, "is_contested"),
):
    _build = (_table.c.company_id, _table.c.build)
    Index(f"{_table.name}_gaps", *_build, postgresql_where=text(_is_lacking))

# Facts about revenue that could not be read.
revenue_quarantine = Table(
    "revenue_quarantine",
    metadata,
    key_column("company_id", BigInteger),
    key_column("build", Integer),
    key_column("position", BigInteger),
    Column("livemode", Boolean, nullable=False),
    Column("entity", Text),
    Column("reason", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
)
