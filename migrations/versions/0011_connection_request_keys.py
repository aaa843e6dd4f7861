"""Idempotency keys of answered requests to connect, so that repeating a request does not connect again."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of idempotency keys. It stores only a MAC of the request, which contains a secret."""
    op.execute("""
        CREATE TABLE connection_request_key (
            company_id bigint NOT NULL CONSTRAINT connection_request_key_company_id_fkey REFERENCES company (id),
            idempotency_key text NOT NULL,
            request_mac bytea NOT NULL,
            sends_events boolean NOT NULL,
            CONSTRAINT connection_request_key_pkey PRIMARY KEY (company_id, idempotency_key)
        )
    """)
    op.execute("SELECT wall_in_company('connection_request_key', 'SELECT, INSERT')")
