"""The number of each sync of a company: 1, 2, 3 and so on, without gaps."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every run its number, and let the database number each new one, whichever release requests it."""
    op.execute((Path(__file__).parent / "0024_numbers_of_syncs.sql").read_text())
