"""The log can only be appended to, and through its functions: they act as its owner."""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the log's functions act as its owner, and refuse other changes; the release before calls them as it did."""
    here = Path(__file__).parent
    op.execute((here / "0032_append_events.sql").read_text())
    op.execute((here / "0032_append_only.sql").read_text())
