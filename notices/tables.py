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
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from events.log.tables import INSTANT
from tenants.tables import company, user_account
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

# A company's address to which webhooks are sent. It is being asked until `busy_until`, and
# rests after a failure.
webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("types", ARRAY(Text), nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("disabled_at", INSTANT),
    Column("disabled_because", Text),
    # Since when every attempt has failed, and how many did.
    Column("failing_since", INSTANT),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    # `slow` if the last attempt failed or took long. Each kind waits for its own alone.
    Column("standing", Text, nullable=False, server_default="new"),
    Column("busy_until", INSTANT, nullable=False, server_default="-infinity"),
    Column("rests_until", INSTANT, nullable=False, server_default="-infinity"),
    CheckConstraint("standing IN ('new', 'quick', 'slow')", name="standing"),
    CheckConstraint("disabled_because IN ('by_hand', 'failing')", name="disabled_because"),
    CheckConstraint("(disabled_at IS NULL) = (disabled_because IS NULL)", name="disabled"),
)
Index("webhook_endpoint_of_company", webhook_endpoint.c.company_id)


def _of_endpoint() -> Column[int]:
    return Column("endpoint_id", BigInteger, ForeignKey(webhook_endpoint.c.id, ondelete="CASCADE"), nullable=False)


# What signs webhooks to an endpoint, sealed. An older one signs beside the newest until it expires.
webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    _of_endpoint(),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
)
Index("webhook_secret_of_endpoint", webhook_secret.c.endpoint_id)

# A webhook to one endpoint, until it is accepted or given up. Its body is made when it is first sent, and stays. About
# changed lines it has positions, of which the second moves on until then.
webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, nullable=False),
    _of_endpoint(),
    Column(
        "message_id", Text, nullable=False, server_default=text("'msg_' || replace(gen_random_uuid()::text, '-', '')")
    ),
    Column("type", Text, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    Column("data", JSONB),
    Column("position_from", BigInteger),
    Column("position_to", BigInteger),
    Column("body", Text),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("due_at", INSTANT, nullable=False, server_default=func.statement_timestamp()),
    Column("give_up_at", INSTANT, nullable=False, server_default=text("statement_timestamp() + interval '3 days'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("ended_at", INSTANT),
    CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name="status"),
)
Index(
    "webhook_delivery_waiting",
    webhook_delivery.c.endpoint_id,
    webhook_delivery.c.due_at,
    postgresql_where=text("status = 'waiting'"),
)
Index("webhook_delivery_of_endpoint", webhook_delivery.c.endpoint_id, webhook_delivery.c.id)
Index(
    "webhook_delivery_ended",
    webhook_delivery.c.ended_at,
    postgresql_where=webhook_delivery.c.ended_at.is_not(None),
)
Index(
    "webhook_delivery_unsent",
    webhook_delivery.c.endpoint_id,
    unique=True,
    postgresql_where=text("type = 'revenue_lines.changed' AND body IS NULL"),
)

# What an endpoint answered to a delivery: a status and the beginning of its answer, or why there is none.
webhook_attempt = Table(
    "webhook_attempt",
    metadata,
    Column("delivery_id", BigInteger, ForeignKey(webhook_delivery.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company_id", BigInteger, nullable=False),
    Column("started_at", INSTANT, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("answer", Text),
    Column("error", Text),
)

# Something that needs somebody, from when it begins until it is over. A cause has one open notice at most.
notice = Table(
    "notice",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("type", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("opened_at", INSTANT, nullable=False),
    Column("closed_at", INSTANT),
    # When e-mails were queued about its beginning and about its end.
    Column("mailed_at", INSTANT),
    Column("end_mailed_at", INSTANT),
)
_is_open = text("closed_at IS NULL")
Index("notice_open", notice.c.company_id, notice.c.type, notice.c.cause, unique=True, postgresql_where=_is_open)
Index("notice_unmailed", notice.c.id, postgresql_where=text("closed_at IS NULL AND mailed_at IS NULL"))
Index(
    "notice_end_unmailed",
    notice.c.id,
    postgresql_where=text("closed_at IS NOT NULL AND mailed_at IS NOT NULL AND end_mailed_at IS NULL"),
)

# What a person chose to be told by e-mail; without a row, what their role suggests.
notification_preference = Table(
    "notification_preference",
    metadata,
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True),
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), primary_key=True),
    Column("types", ARRAY(Text), nullable=False),
)
