"""Exports that people are told of regularly: the schedules, and when each was due."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute((Path(__file__).parent / "0020_export_schedules.sql").read_text())
