"""Companies and the keys that speak for them. A key is kept only as its hash."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from events.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION | {"fk": "%(table_name)s_%(column_0_N_name)s_fkey"})

company = Table(
    "company",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("role", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("last_used_at", INSTANT),
    Column("revoked_at", INSTANT),
    UniqueConstraint("key_sha256"),
    CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),
)
Index("api_key_company_id_idx", api_key.c.company_id)
