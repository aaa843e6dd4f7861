"""Builds that stand beside the live one, what the table said before, and the projections of months and connections."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add to the projections' tables. What exists keeps its meaning: builds of version 1, without a past."""
    op.execute((Path(__file__).parent / "0010_builds_and_the_past.sql").read_text())
