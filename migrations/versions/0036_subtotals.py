"""The subtotals of invoices, to compare with the sums of their lines."""

from pathlib import Path

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns to the sightings of syncs; the release before writes none of them."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
