"""What is told to people and programs outside: e-mails, webhooks and notices."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute((Path(__file__).parent / "0019_notices.sql").read_text())
