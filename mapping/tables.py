"""Tables of what is not decided yet: drafts of rules, and previews of them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from events.log.tables import INSTANT
from tenants.tables import company
from tenants.tables import metadata as tenants_metadata

metadata = MetaData(naming_convention=tenants_metadata.naming_convention)

# A company's one unpublished rule set. It changes nothing until it is published, so it is a row and no fact.
rule_draft = Table(
    "rule_draft",
    metadata,
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True, autoincrement=False),
    # The version that it was made from; 0 if there was none.
    Column("based_on", Integer, nullable=False),
    Column("rules", JSON, nullable=False),
    # Another one with every save: whoever saves says which one they have seen.
    Column("tag", Text, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    Column("updated_by", Text, nullable=False),
)

# What a rule set would change, worked out by a worker, and published by one.
mapping_preview = Table(
    "mapping_preview",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    # The mode whose lines it shows.
    Column("livemode", Boolean, nullable=False),
    # The published version that it compares with; 0 if there was none.
    Column("based_on", Integer, nullable=False),
    # The version that it would bring back; null for a draft.
    Column("reverts_to", Integer),
    Column("rules", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("idempotency_key", Text),
    # Whose turn it is ends then, unless it is prolonged; null while nobody works on it.
    Column("leased_until", INSTANT),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("lines_done", BigInteger, nullable=False, server_default=text("0")),
    Column("lines_total", BigInteger),
    # Of the result: the position of the log that it is of, and its checksum.
    Column("position", BigInteger),
    Column("checksum", Text),
    Column("result", JSON),
    Column("failure", Text),
    Column("finished_at", INSTANT),
    # Of publishing.
    Column("note", Text),
    Column("publish_requested_at", INSTANT),
    Column("publish_requested_by", Text),
    Column("version", Integer),
    Column("published_position", BigInteger),
    Column("since", JSON),
    CheckConstraint(
        "status IN ('queued', 'running', 'ready', 'publishing', 'published', 'failed', 'stale', 'canceled')",
        name="status",
    ),
)
Index("mapping_preview_of_company", mapping_preview.c.company_id, mapping_preview.c.id)
Index("mapping_preview_once", mapping_preview.c.company_id, mapping_preview.c.idempotency_key, unique=True)
Index(
    "mapping_preview_due",
    mapping_preview.c.id,
    postgresql_where=text("status IN ('queued', 'running', 'publishing')"),
)
