"""How far the log was folded at a run's last proof."""

from pathlib import Path

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column to sync runs; the release before writes none."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
