"""The time since which a build fails and is folded apart from the others, and an index of open fetch requests."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time, unset because nothing fails yet, and the index that finds open fetch requests by company."""
    op.execute("ALTER TABLE projection_state ADD COLUMN failing_since timestamptz")
    op.execute("CREATE INDEX fetch_request_open ON fetch_request (company_id, due_at) WHERE answered_at IS NULL")
