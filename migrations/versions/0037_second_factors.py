"""Second factors of people who sign in with a password, and companies that require one."""

from pathlib import Path

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of second factors and recovery codes, and the columns that go with them."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
