"""The log can only be appended to, and through its functions: they act as its owner."""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let parking act as the log's owner, and refuse other changes; the next step lets appending act so."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
