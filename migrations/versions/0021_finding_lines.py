"""What finds lines: e-mail addresses, products, names to choose from, more orders, and saved views."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns, indexes and tables.

    Folding waits for the indexes, some seconds per million lines, readers for the last one, and webhooks for nothing.
    Until it stops, the release before this one sorts all lines for a page in the order of amounts.
    """
    op.execute((Path(__file__).parent / "0021_finding_lines.sql").read_text())
