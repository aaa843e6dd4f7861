"""Tables of one-time links. Of a link's token only the hash is stored."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from events.log.tables import INSTANT
from tenants.tables import company, metadata, user_account

invitation = Table(
    "invitation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("company_id", BigInteger, ForeignKey(company.c.id), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False),
    # The actor that its fact names.
    Column("invited_by", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("accepted_at", INSTANT),
    Column("revoked_at", INSTANT),
    UniqueConstraint("token_sha256"),
    CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),
    CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="ends_once"),
)
# One link at a time leads an address into a company.
is_open = invitation.c.accepted_at.is_(None) & invitation.c.revoked_at.is_(None)
Index("invitation_open_key", invitation.c.company_id, invitation.c.email, unique=True, postgresql_where=is_open)
Index("invitation_company_id_idx", invitation.c.company_id, invitation.c.id)

# A link to set a new password. It is deleted when it is used.
password_link = Table(
    "password_link",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, ForeignKey(user_account.c.id), nullable=False),
    # The company whose admin was shown the link. Null: it went to the user's address alone.
    Column("company_id", BigInteger, ForeignKey(company.c.id)),
    Column("made_by", Text),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)
Index("password_link_user_id_idx", password_link.c.user_id)
Index("password_link_expires_at_idx", password_link.c.expires_at)
