"""Tables of what is told to people and programs outside. Each row is written in the transaction of what it tells."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from events.log.tables import INSTANT
from tenants.tables import company
from tenants.tables import metadata as tenants_metadata

metadata = MetaData(naming_convention=tenants_metadata.naming_convention)

# An e-mail. Subject and text are sealed, because they may hold a one-time link, and forgotten when it is over. One that
# concerns no company in particular, such as a password reset, has none.
mail = Table(
    "mail",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id)),
    Column("recipient", Text, nullable=False),
    Column("key_id", Text),
    Column("sealed", LargeBinary),
    Column("queued_at", INSTANT, nullable=False),
    Column("due_at", INSTANT, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("ended_at", INSTANT),
    Column("error", Text),
    CheckConstraint("status IN ('waiting', 'sent', 'given_up')", name="status"),
    CheckConstraint("(status = 'waiting') = (sealed IS NOT NULL)", name="sealed"),
)
Index("mail_due", mail.c.due_at, postgresql_where=text("status = 'waiting'"))
Index("mail_ended", mail.c.ended_at, postgresql_where=mail.c.ended_at.is_not(None))
