-- An e-mail. Subject and text are sealed, because they may hold a one-time link, and forgotten when it is over.
CREATE TABLE mail (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mail_pkey PRIMARY KEY,
    company_id bigint CONSTRAINT mail_company_id_fkey REFERENCES company (id),
    recipient text NOT NULL,
    key_id text,
    sealed bytea,
    queued_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'waiting',
    ended_at timestamptz,
    error text,
    CONSTRAINT mail_status_check CHECK (status IN ('waiting', 'sent', 'given_up')),
    CONSTRAINT mail_sealed_check CHECK ((status = 'waiting') = (sealed IS NOT NULL))
);
CREATE INDEX mail_due ON mail (due_at) WHERE status = 'waiting';
CREATE INDEX mail_ended ON mail (ended_at) WHERE ended_at IS NOT NULL;
-- The web process writes e-mails and never reads them.
SELECT wall_in_company('mail', 'INSERT');

-- A company's address to which webhooks are sent. It is being asked until `busy_until`, and
-- rests after a failure.
CREATE TABLE webhook_endpoint (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_endpoint_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT webhook_endpoint_company_id_fkey REFERENCES company (id),
    url text NOT NULL,
    description text,
    types text[] NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled_because text,
    failing_since timestamptz,
    failures integer NOT NULL DEFAULT 0,
    standing text NOT NULL DEFAULT 'new',
    busy_until timestamptz NOT NULL DEFAULT '-infinity',
    rests_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT webhook_endpoint_standing_check CHECK (standing IN ('new', 'quick', 'slow')),
    CONSTRAINT webhook_endpoint_disabled_because_check CHECK (disabled_because IN ('by_hand', 'failing')),
    CONSTRAINT webhook_endpoint_disabled_check CHECK ((disabled_at IS NULL) = (disabled_because IS NULL))
);
CREATE INDEX webhook_endpoint_of_company ON webhook_endpoint (company_id);
SELECT wall_in_company('webhook_endpoint', 'SELECT, INSERT, UPDATE, DELETE');

-- What signs webhooks to an endpoint, sealed. An older one signs beside the newest until it expires.
CREATE TABLE webhook_secret (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_secret_pkey PRIMARY KEY,
    company_id bigint NOT NULL,
    endpoint_id bigint NOT NULL
        CONSTRAINT webhook_secret_endpoint_id_fkey REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE INDEX webhook_secret_of_endpoint ON webhook_secret (endpoint_id);
SELECT wall_in_company('webhook_secret', 'SELECT, INSERT, UPDATE, DELETE');

-- A webhook to one endpoint, until it is accepted or given up. Its body is made when it is first sent, and stays.
CREATE TABLE webhook_delivery (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_delivery_pkey PRIMARY KEY,
    company_id bigint NOT NULL,
    endpoint_id bigint NOT NULL
        CONSTRAINT webhook_delivery_endpoint_id_fkey REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    message_id text NOT NULL DEFAULT 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    data jsonb,
    position_from bigint,
    position_to bigint,
    body text,
    status text NOT NULL DEFAULT 'waiting',
    due_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    give_up_at timestamptz NOT NULL DEFAULT statement_timestamp() + interval '3 days',
    attempts integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    CONSTRAINT webhook_delivery_status_check CHECK (status IN ('waiting', 'delivered', 'failed'))
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (endpoint_id, due_at) WHERE status = 'waiting';
CREATE INDEX webhook_delivery_of_endpoint ON webhook_delivery (endpoint_id, id);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
-- What was not sent yet is told with what came since.
CREATE UNIQUE INDEX webhook_delivery_unsent ON webhook_delivery (endpoint_id)
    WHERE type = 'revenue_lines.changed' AND body IS NULL;
SELECT wall_in_company('webhook_delivery', 'SELECT, INSERT, UPDATE');

-- What an endpoint answered to a delivery.
CREATE TABLE webhook_attempt (
    delivery_id bigint NOT NULL
        CONSTRAINT webhook_attempt_delivery_id_fkey REFERENCES webhook_delivery (id) ON DELETE CASCADE,
    number integer NOT NULL,
    company_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status integer,
    answer text,
    error text,
    CONSTRAINT webhook_attempt_pkey PRIMARY KEY (delivery_id, number)
);
SELECT wall_in_company('webhook_attempt', 'SELECT');

-- Something that needs somebody, from when it begins until it is over.
CREATE TABLE notice (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT notice_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT notice_company_id_fkey REFERENCES company (id),
    type text NOT NULL,
    cause text NOT NULL,
    details jsonb NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    mailed_at timestamptz,
    end_mailed_at timestamptz
);
CREATE UNIQUE INDEX notice_open ON notice (company_id, type, cause) WHERE closed_at IS NULL;
CREATE INDEX notice_unmailed ON notice (id) WHERE closed_at IS NULL AND mailed_at IS NULL;
CREATE INDEX notice_end_unmailed ON notice (id)
    WHERE closed_at IS NOT NULL AND mailed_at IS NOT NULL AND end_mailed_at IS NULL;
SELECT wall_in_company('notice', 'SELECT, INSERT, UPDATE');

-- What a person chose to be told by e-mail; without a row, what their role suggests.
CREATE TABLE notification_preference (
    company_id bigint NOT NULL CONSTRAINT notification_preference_company_id_fkey REFERENCES company (id),
    user_id bigint NOT NULL CONSTRAINT notification_preference_user_id_fkey REFERENCES user_account (id),
    types text[] NOT NULL,
    CONSTRAINT notification_preference_pkey PRIMARY KEY (company_id, user_id)
);
SELECT wall_in_company('notification_preference', 'SELECT, INSERT, UPDATE');
