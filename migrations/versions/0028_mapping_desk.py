"""Drafts of mapping rules, and previews of what they would change."""

from pathlib import Path

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables that the release before does not know."""
    op.execute((Path(__file__).parent / "0028_mapping_desk.sql").read_text())
