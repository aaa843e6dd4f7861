"""The state of projections, and the revenue mapping table."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the projections' tables."""
    op.execute((Path(__file__).parent / "0003_revenue_lines.sql").read_text())
