"""Row-level security, the second barrier between companies."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the role of the web process, and turn on row-level security for every table that has a company."""
    op.execute((Path(__file__).parent / "0008_company_walls.sql").read_text())
