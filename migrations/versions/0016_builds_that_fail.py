"""Since when a build fails: from then on it is folded apart from the others. And whose things wait to be fetched."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing fails yet; what waits is found company by company from now on."""
    op.execute("ALTER TABLE projection_state ADD COLUMN failing_since timestamptz")
    op.execute("CREATE INDEX fetch_request_open ON fetch_request (company_id, due_at) WHERE answered_at IS NULL")
