"""Tables of companies, API keys, users, sessions and secrets. Of a key or token only the hash is stored."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    false,
    func,
)

from events.log.tables import INSTANT, NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION | {"fk": "%(table_name)s_%(column_0_N_name)s_fkey"})

company = Table(
    "company",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    # An IANA name: the days that reports speak of begin and end there.
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    # Whether people who sign in with a password need a second factor here.
    Column("requires_second_factor", Boolean, nullable=False, server_default=false()),
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
    Column("name", Text, nullable=False, server_default=""),
    # The actor that its fact names. Null: not known any more.
    Column("created_by", Text),
    Column("created_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("last_used_at", INSTANT),
    Column("revoked_at", INSTANT),
    UniqueConstraint("key_sha256"),
    CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),
)
Index("api_key_company_id_idx", api_key.c.company_id)

user_account = Table(
    "user_account",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text),
    # Null: nobody but the user has said that the address is theirs. Operators vouch for those they add.
    Column("address_proven_at", INSTANT, server_default=func.clock_timestamp()),
    # Null: signs in through the identity provider only.
    Column("password_hash", Text),
    # The user's identity at the identity provider. An address may pass to somebody else; this does not.
    Column("oidc_issuer", Text),
    Column("oidc_subject", Text),
    # The company opened last, in whichever session: a new one begins there.
    Column("last_company_id", BigInteger, ForeignKey(company.c.id)),
    Column("created_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("email"),
    UniqueConstraint("oidc_issuer", "oidc_subject"),
)

membership = Table(
    "membership",
    metadata,
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.clock_timestamp()),
    Column("last_seen_at", INSTANT),
    CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),
)
Index("membership_company_id_idx", membership.c.company_id)

user_session = Table(
    "user_session",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False),
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), nullable=False),
    # The company opened last.
    Column("company_id", BigInteger, ForeignKey(company.c.id)),
    Column("device", Text),
    # Whether the identity provider let the user in, who sees to second factors itself.
    Column("came_by_provider", Boolean, nullable=False, server_default=false()),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    UniqueConstraint("token_sha256"),
)
Index("user_session_user_id_idx", user_session.c.user_id)

# One attempt to connect at Stripe. The state is stored as its hash, bound to the user, and can be consumed once.
connect_attempt = Table(
    "connect_attempt",
    metadata,
    Column("state_sha256", LargeBinary, primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), nullable=False),
    # No foreign key: a session may end while its owner is at Stripe.
    Column("session_id", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("started_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("consumed_at", INSTANT),
    Column("outcome", Text),
    CheckConstraint("method IN ('connect', 'app')", name="method"),
    CheckConstraint("outcome IN ('connected', 'refused', 'failed', 'unknown')", name="outcome"),
)
Index("connect_attempt_expires_at_idx", connect_attempt.c.expires_at)

# Secrets of a connection, which must not be readable from a copy of the database.
secret = Table(
    "secret",
    metadata,
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
Index("secret_key_id_idx", secret.c.key_id)

# Answered requests to connect. Only a MAC of the request is stored, since the request contains a secret.
connection_request_key = Table(
    "connection_request_key",
    metadata,
    Column("company_id", BigInteger, ForeignKey(company.c.id), primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("request_mac", LargeBinary, nullable=False),
    Column("sends_events", Boolean, nullable=False),
)
