"""An index by cadence, status and currency, to find the lines of a rare kind without reading the others."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index. Folding waits for it, a second or two per million lines; webhooks and reads do not."""
    op.execute(
        "CREATE INDEX revenue_line_by_kind ON revenue_line (company_id, build, cadence, invoice_status, currency)"
    )
