"""An index of the lines that nothing maps, so that they are found however many are mapped."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index that the release before maintains without knowing it."""
    op.execute(
        "CREATE INDEX revenue_part_unmapped ON revenue_part"
        " (company_id, build, livemode, invoice_id, invoice_line_item_id) WHERE step = 0 AND layer = 'unmapped'"
    )
