"""Companies and their API keys."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of companies and API keys."""
    op.execute("""
        CREATE TABLE company (
            id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT company_pkey PRIMARY KEY,
            name text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    op.execute("""
        CREATE TABLE api_key (
            id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_key_pkey PRIMARY KEY,
            company_id bigint NOT NULL CONSTRAINT api_key_company_id_fkey REFERENCES company (id),
            role text NOT NULL CONSTRAINT api_key_role_check CHECK (role IN ('viewer', 'editor', 'admin')),
            prefix text NOT NULL,
            key_sha256 bytea NOT NULL CONSTRAINT api_key_key_sha256_key UNIQUE,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            last_used_at timestamptz,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX api_key_company_id_idx ON api_key (company_id)")
