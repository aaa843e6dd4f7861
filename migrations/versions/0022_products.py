"""Names of products and prices in the table, and the products that lines refer to."""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the release before neither reads nor writes: names stay unknown until a build of the next version."""
    op.execute((Path(__file__).parent / "0022_products.sql").read_text())
