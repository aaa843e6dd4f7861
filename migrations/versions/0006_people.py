"""People, the companies they belong to, and their sessions."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of users, memberships and sessions."""
    op.execute("""
        CREATE TABLE user_account (
            id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT user_account_pkey PRIMARY KEY,
            email text NOT NULL CONSTRAINT user_account_email_key UNIQUE,
            password_hash text,
            oidc_issuer text,
            oidc_subject text,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT user_account_oidc_issuer_oidc_subject_key UNIQUE (oidc_issuer, oidc_subject)
        )
    """)
    op.execute("""
        CREATE TABLE membership (
            user_id bigint NOT NULL CONSTRAINT membership_user_id_fkey REFERENCES user_account (id),
            company_id bigint NOT NULL CONSTRAINT membership_company_id_fkey REFERENCES company (id),
            role text NOT NULL CONSTRAINT membership_role_check CHECK (role IN ('viewer', 'editor', 'admin')),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT membership_pkey PRIMARY KEY (user_id, company_id)
        )
    """)
    op.execute("CREATE INDEX membership_company_id_idx ON membership (company_id)")
    op.execute("""
        CREATE TABLE user_session (
            id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT user_session_pkey PRIMARY KEY,
            token_sha256 bytea NOT NULL CONSTRAINT user_session_token_sha256_key UNIQUE,
            user_id bigint NOT NULL CONSTRAINT user_session_user_id_fkey REFERENCES user_account (id),
            company_id bigint CONSTRAINT user_session_company_id_fkey REFERENCES company (id),
            created_at timestamptz NOT NULL,
            last_used_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        )
    """)
    op.execute("CREATE INDEX user_session_user_id_idx ON user_session (user_id)")
