"""What remains of companies that were erased."""

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of erasures, and refuse to begin the log of an erased company again."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
