"""Indexes of past parts by month, so that a figure as of a moment before a new mapping is explained as fast as now."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_SCOPE = "company_id, build, livemode"
_BOOKED_MONTH = "(EXTRACT(year FROM booked_on) * 12 + EXTRACT(month FROM booked_on) - 1)"


def upgrade() -> None:
    """Add indexes that the release before maintains without knowing them."""
    op.execute(f"CREATE INDEX revenue_part_past_by_month ON revenue_part_past ({_SCOPE}, last_month, first_month)")
    op.execute(
        f"CREATE INDEX revenue_part_past_billed_ahead ON revenue_part_past ({_SCOPE}, first_month, booked_on)"
        f" WHERE {_BOOKED_MONTH} < first_month"
    )
    op.execute(
        f"CREATE INDEX revenue_part_past_billed_late ON revenue_part_past ({_SCOPE}, booked_on, last_month)"
        f" WHERE {_BOOKED_MONTH} > last_month"
    )
