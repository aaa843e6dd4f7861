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
