"""The number of each sync of a company: 1, 2, 3 and so on, without gaps; and the company that a user opened last."""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every run its number, let the database number new ones, and remember the companies that are opened now."""
    op.execute((Path(__file__).parent / "0024_syncs_and_last_companies.sql").read_text())
