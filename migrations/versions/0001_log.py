"""The log: events, their heads, conflicts, account owners and parked events."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the log's tables and the only functions that may write to them."""
    here = Path(__file__).parent
    op.execute((here / "0001_log_tables.sql").read_text())
    op.execute((here / "0001_append_events.sql").read_text())
    op.execute((here / "0001_receive_stripe_events.sql").read_text())
