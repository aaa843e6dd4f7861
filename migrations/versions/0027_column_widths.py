"""The widths of the table's columns that somebody prefers."""

from pathlib import Path

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute((Path(__file__).parent / "0027_column_widths.sql").read_text())
