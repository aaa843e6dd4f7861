"""Requests to fetch objects from Stripe."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of fetch requests."""
    op.execute("""
        CREATE TABLE fetch_request (
            company_id bigint NOT NULL,
            livemode boolean NOT NULL,
            kind text NOT NULL CONSTRAINT fetch_request_kind_check
                CHECK (kind IN ('invoice', 'invoice_lines', 'price', 'customer')),
            object_id text NOT NULL,
            requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            attempts integer NOT NULL DEFAULT 0,
            due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            answered_at timestamptz,
            error text,
            CONSTRAINT fetch_request_pkey PRIMARY KEY (company_id, livemode, kind, object_id)
        )
    """)
    op.execute("CREATE INDEX fetch_request_due_at_idx ON fetch_request (due_at)")
