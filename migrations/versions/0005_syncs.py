"""Sync runs, what they have read, and when the next run is due."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of runs, segments, sightings and schedules."""
    op.execute(Path(__file__).with_name("0005_syncs.sql").read_text())
