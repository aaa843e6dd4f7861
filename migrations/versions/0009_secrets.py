"""Encrypted secrets of connections."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of encrypted secrets."""
    op.execute("""
        CREATE TABLE secret (
            company_id bigint NOT NULL CONSTRAINT secret_company_id_fkey REFERENCES company (id),
            name text NOT NULL,
            key_id text NOT NULL,
            sealed bytea NOT NULL,
            CONSTRAINT secret_pkey PRIMARY KEY (company_id, name)
        )
    """)
    op.execute("CREATE INDEX secret_key_id_idx ON secret (key_id)")
    op.execute("SELECT wall_in_company('secret', 'SELECT, INSERT, UPDATE, DELETE')")
