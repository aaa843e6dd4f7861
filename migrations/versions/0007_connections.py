"""The status of each company's Stripe connection, and the attempts to connect."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of connections, and record the accounts authorized before as connected."""
    op.execute("""
        CREATE TABLE stripe_connection (
            company_id bigint CONSTRAINT stripe_connection_pkey PRIMARY KEY,
            status text NOT NULL CONSTRAINT stripe_connection_status_check
                CHECK (status IN ('connected', 'paused', 'reauthorization_required', 'disconnected')),
            account_id text NOT NULL,
            livemode boolean NOT NULL,
            method text NOT NULL CONSTRAINT stripe_connection_method_check
                CHECK (method IN ('connect', 'app', 'restricted_key')),
            scope text,
            authorized_at timestamptz NOT NULL
        )
    """)
    op.execute("""
        INSERT INTO stripe_connection (company_id, status, account_id, livemode, method, authorized_at)
        SELECT company_id, 'connected', account_id, livemode, 'connect', claimed_at FROM account_owner
    """)
    op.execute("""
        CREATE TABLE connect_attempt (
            state_sha256 bytea CONSTRAINT connect_attempt_pkey PRIMARY KEY,
            company_id bigint NOT NULL CONSTRAINT connect_attempt_company_id_fkey REFERENCES company (id),
            user_id bigint NOT NULL CONSTRAINT connect_attempt_user_id_fkey REFERENCES user_account (id),
            session_id bigint NOT NULL,
            method text NOT NULL CONSTRAINT connect_attempt_method_check CHECK (method IN ('connect', 'app')),
            started_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            consumed_at timestamptz,
            outcome text CONSTRAINT connect_attempt_outcome_check
                CHECK (outcome IN ('connected', 'refused', 'failed', 'unknown'))
        )
    """)
    op.execute("CREATE INDEX connect_attempt_expires_at_idx ON connect_attempt (expires_at)")
