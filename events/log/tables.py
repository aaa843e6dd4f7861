"""The log's tables. The append functions that guard them are in the migrations."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

NAMING_CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "pk": "%(table_name)s_pkey",
}
INSTANT = TIMESTAMP(timezone=True)

metadata = MetaData(naming_convention=NAMING_CONVENTION)

company_head = Table(
    "company_head",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    # The number of the company's events. It is never indexed, so that changing it stays a heap-only update.
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("last_recorded_at", INSTANT),
    # Set with the first event that the tables lack, and unset once they lack none: see `projections.engine.behind`.
    Column("behind_since", INSTANT),
    # How far the log is chained from its first event on, and the hash of the chain up to there.
    Column("chain_position", BigInteger, nullable=False, server_default=text("0")),
    Column("chain_sha256", LargeBinary, nullable=False, server_default=text("''")),
    CheckConstraint("position >= 0", name="position"),
)

Index("company_head_behind", company_head.c.behind_since, postgresql_where=company_head.c.behind_since.is_not(None))

event = Table(
    "event",
    metadata,
    Column("company_id", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", SmallInteger, nullable=False, server_default=text("1")),
    Column("entity", Text),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("account_id", Text),
    Column("livemode", Boolean, nullable=False),
    Column("api_version", Text),
    # Null if the source does not say: an instant of our own would be mistaken for the source's.
    Column("occurred_at", INSTANT),
    Column("recorded_at", INSTANT, nullable=False),
    Column("correlation_id", Uuid),
    Column("actor", Text),
    Column("payload_zstd", LargeBinary, nullable=False),
    Column("payload_sha256", LargeBinary, nullable=False),
    # Null until the event is chained to the one before: see `events.log.chains`.
    Column("chain_sha256", LargeBinary),
    PrimaryKeyConstraint("company_id", "position"),
    UniqueConstraint("external_id", "source", "company_id", name="event_dedup_key"),
)
Index("event_entity_idx", event.c.entity, event.c.company_id, event.c.position)
# Facts of our own are few among those of Stripe.
Index("event_own_facts", event.c.company_id, event.c.position, postgresql_where=text("source = 'revmap'"))

# The epoch of the database's history: one row, or none as long as no backup was restored.
log_epoch = Table(
    "log_epoch",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", Text, nullable=False),
    Column("restored_at", INSTANT, nullable=False),
    CheckConstraint("is_only", name="only"),
)

# What remains of an erased company. `erased_at` is null until nothing else does.
company_erasure = Table(
    "company_erasure",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("begun_at", INSTANT, nullable=False),
    Column("erased_at", INSTANT),
    Column("erased_by", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("chain_position", BigInteger, nullable=False),
    Column("chain_sha256", LargeBinary, nullable=False),
    Column("user_ids", ARRAY(BigInteger), nullable=False),
    CheckConstraint("erased_at IS NULL OR user_ids = '{}'", name="forgotten"),
)

# A second body with an id that the log already has: the first stays valid, the second is kept as evidence.
event_conflict = Table(
    "event_conflict",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("payload_sha256", LargeBinary, primary_key=True),
    Column("payload_zstd", LargeBinary, nullable=False),
    Column("received_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
)

account_owner = Table(
    "account_owner",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    Column("claimed_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    # One account per company: a second one would mix two sets of books.
    UniqueConstraint("company_id"),
)

# The state of a company's connection, for quick lookups. Each change is a fact in the log as well.
stripe_connection = Table(
    "stripe_connection",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("account_name", Text),
    Column("livemode", Boolean, nullable=False),
    Column("method", Text, nullable=False),
    Column("scope", Text),
    Column("authorized_at", INSTANT, nullable=False),
    # Whether the schedule of syncs knows of it; unset whenever it is connected anew, in the same transaction.
    Column("is_scheduled", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("status IN ('connected', 'paused', 'reauthorization_required', 'disconnected')", name="status"),
    CheckConstraint("method IN ('connect', 'app', 'restricted_key')", name="method"),
)
Index(
    "stripe_connection_unscheduled",
    stripe_connection.c.company_id,
    postgresql_where=text("status = 'connected' AND NOT is_scheduled"),
)

# Events of accounts that no company has connected. They move to a company's log when it connects the account.
# A second body with the same id is parked as well, and becomes an event_conflict in the log.
parked_event = Table(
    "parked_event",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("livemode", Boolean, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("ordinal", BigInteger, nullable=False, server_default=text("nextval('parked_event_ordinal')")),
    Column("type", Text, nullable=False),
    Column("entity", Text),
    Column("source", Text, nullable=False),
    Column("api_version", Text),
    Column("occurred_at", INSTANT),
    Column("correlation_id", Uuid),
    Column("received_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("payload_zstd", LargeBinary, nullable=False),
    Column("payload_sha256", LargeBinary, primary_key=True),
)
Index("parked_event_received", parked_event.c.received_at)
