"""Builds beside the live one, past values of rows, and the projections of months and connections."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Extend the projections' tables. Existing rows keep their meaning: builds of version 1, without past values."""
    op.execute((Path(__file__).parent / "0010_builds_and_the_past.sql").read_text())
