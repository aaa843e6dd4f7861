"""What a connected account is called at Stripe."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the name beside the account; of those connected before, nobody knows it."""
    op.execute("ALTER TABLE stripe_connection ADD COLUMN account_name text")
