"""Since when a line has been in the table, in place of whether it came with its row's last event."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the position of a line's first event in its row and in those of the past.

    Of lines that stand nobody knows it without reading the log: 0 says that they were always there, which hides none.
    """
    for table in ("revenue_line", "revenue_line_past"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN is_added, ADD COLUMN first_position bigint NOT NULL DEFAULT 0")
