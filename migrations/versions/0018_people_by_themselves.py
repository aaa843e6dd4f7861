"""Invitations, links for new passwords, names, time zones, and who did what."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of invitations and password links, and the columns and the index that go with them."""
    op.execute((Path(__file__).parent / "0018_people_by_themselves.sql").read_text())
