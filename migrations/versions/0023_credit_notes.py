"""Credit notes: their rows and past versions, what they take from lines, and what a sync saw of them."""

from pathlib import Path

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables that the release before does not know, and columns that it leaves at their defaults."""
    op.execute((Path(__file__).parent / "0023_credit_notes.sql").read_text())
