"""Marks of what is behind or due, so that nobody looks at every company to find it."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the marks and set them for what is behind or due now; drop the table of a projection that is gone."""
    here = Path(__file__).parent
    op.execute((here / "0017_append_events.sql").read_text())
    op.execute((here / "0017_who_is_behind.sql").read_text())
