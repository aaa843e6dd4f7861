"""An event of Stripe is the same one, whether a webhook or the list of events brought it."""

from pathlib import Path

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let append_events find an event that came the other way; the release before calls it as it is."""
    op.execute((Path(__file__).parent / "0030_append_events.sql").read_text())
