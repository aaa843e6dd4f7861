"""The position of a line's first event, in place of a flag for lines that their row's last event added."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the position of a line's first event to its current row and its past rows.

    For existing lines it is known only from the log; 0 means that they were always there, which hides none.
    """
    for table in ("revenue_line", "revenue_line_past"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN is_added, ADD COLUMN first_position bigint NOT NULL DEFAULT 0")
