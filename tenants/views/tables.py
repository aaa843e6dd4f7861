"""Tables of how people look at their company's table: saved views, and preferences."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from events.log.tables import INSTANT
from tenants.tables import company, metadata, user_account

saved_view = Table(
    "saved_view",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    # Null: the whole company's.
    Column("owner_id", BigInteger, ForeignKey(user_account.c.id)),
    Column("name", Text, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
)
Index(
    "saved_view_own_name",
    saved_view.c.company_id,
    saved_view.c.owner_id,
    func.lower(saved_view.c.name),
    unique=True,
    postgresql_where=text("owner_id IS NOT NULL"),
)
Index(
    "saved_view_company_name",
    saved_view.c.company_id,
    func.lower(saved_view.c.name),
    unique=True,
    postgresql_where=text("owner_id IS NULL"),
)

# Null is the default.
table_preference = Table(
    "table_preference",
    metadata,
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True),
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), primary_key=True),
    Column("columns", Text),
    Column("density", Text),
    # In pixels, by column.
    Column("widths", JSONB),
    CheckConstraint("density IN ('comfortable', 'compact')", name="density"),
)
