"""The name of a connected account at Stripe."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column of the account's name, which is unknown for accounts connected before."""
    op.execute("ALTER TABLE stripe_connection ADD COLUMN account_name text")
