"""Lines are counted when somebody asks for suggestions: the fold writes no counts any more."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let new facets be written without a count. The older release goes on counting in its own builds."""
    op.execute("ALTER TABLE revenue_facet ALTER COLUMN line_count SET DEFAULT 0")
