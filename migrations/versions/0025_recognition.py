"""Parts of lines and their past, what is recognized by month, and what maps lines."""

from pathlib import Path

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables that the release before does not know."""
    op.execute((Path(__file__).parent / "0025_recognition.sql").read_text())
