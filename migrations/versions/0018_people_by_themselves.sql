-- What people and processes of ours did, newest first, without the events of Stripe between. Appends wait while it is
-- made.
CREATE INDEX event_own_facts ON event (company_id, position) WHERE source = 'revmap';

ALTER TABLE company ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
GRANT UPDATE (name, time_zone) ON company TO revmap_app;

ALTER TABLE api_key ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN created_by text;
UPDATE api_key k SET created_by = (
    SELECT e.actor FROM event e
    WHERE e.entity = 'api_key:' || k.id AND e.company_id = k.company_id AND e.type = 'access.api_key_created'
    ORDER BY e.position LIMIT 1
);

-- Operators vouch for the addresses of those they add, now and before.
ALTER TABLE user_account ADD COLUMN name text, ADD COLUMN address_proven_at timestamptz DEFAULT clock_timestamp();
ALTER TABLE membership ADD COLUMN last_seen_at timestamptz;
ALTER TABLE user_session ADD COLUMN device text;

CREATE TABLE invitation (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT invitation_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT invitation_company_id_fkey REFERENCES company (id),
    email text NOT NULL,
    role text NOT NULL CONSTRAINT invitation_role_check CHECK (role IN ('viewer', 'editor', 'admin')),
    token_sha256 bytea NOT NULL CONSTRAINT invitation_token_sha256_key UNIQUE,
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT invitation_ends_once_check CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);
CREATE UNIQUE INDEX invitation_open_key ON invitation (company_id, email)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitation_company_id_idx ON invitation (company_id, id);
SELECT wall_in_company('invitation', 'SELECT, INSERT, UPDATE');

CREATE TABLE password_link (
    token_sha256 bytea CONSTRAINT password_link_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT password_link_user_id_fkey REFERENCES user_account (id),
    company_id bigint CONSTRAINT password_link_company_id_fkey REFERENCES company (id),
    made_by text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_link_user_id_idx ON password_link (user_id);
CREATE INDEX password_link_expires_at_idx ON password_link (expires_at);
SELECT wall_in_company('password_link', '');
