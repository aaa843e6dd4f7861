"""The days of lines beside their parts, so that the lines of a stream are read in order, however few they are."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_PARTS = ("revenue_part", "revenue_part_past")
_ORDER = "company_id, build, livemode, stream_id, line_date, invoice_line_item_id, invoice_id"


def upgrade() -> None:
    """Add a column that the release before leaves empty, and put an index with it in the place of one without."""
    for table in _PARTS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN line_date date")
    op.execute(f"CREATE INDEX revenue_part_of_stream ON revenue_part ({_ORDER}) WHERE step = 0 AND layer <> 'unmapped'")
    op.execute("DROP INDEX revenue_part_by_stream")
