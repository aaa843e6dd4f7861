-- A company's one unpublished rule set. It changes nothing until it is published, so it is a row and no fact.
CREATE TABLE rule_draft (
    company_id bigint NOT NULL CONSTRAINT rule_draft_pkey PRIMARY KEY
        CONSTRAINT rule_draft_company_id_fkey REFERENCES company (id),
    -- The version that it was made from; 0 if there was none.
    based_on integer NOT NULL,
    rules json NOT NULL,
    -- Another one with every save: whoever saves says which one they have seen.
    tag text NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL
);

-- What a rule set would change, worked out by a worker, and published by one.
CREATE TABLE mapping_preview (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mapping_preview_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT mapping_preview_company_id_fkey REFERENCES company (id),
    -- The mode whose lines it shows.
    livemode boolean NOT NULL,
    -- The published version that it compares with; 0 if there was none.
    based_on integer NOT NULL,
    -- The version that it would bring back; null for a draft.
    reverts_to integer,
    rules json NOT NULL,
    status text NOT NULL,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    idempotency_key text,
    -- Whose turn it is ends then, unless it is prolonged; null while nobody works on it.
    leased_until timestamptz,
    attempts smallint NOT NULL DEFAULT 0,
    lines_done bigint NOT NULL DEFAULT 0,
    lines_total bigint,
    -- Of the result: the position of the log that it is of, and its checksum.
    position bigint,
    checksum text,
    result json,
    failure text,
    finished_at timestamptz,
    -- Of publishing.
    note text,
    publish_requested_at timestamptz,
    publish_requested_by text,
    version integer,
    published_position bigint,
    since json,
    CONSTRAINT mapping_preview_status_check CHECK (status IN (
        'queued', 'running', 'ready', 'publishing', 'published', 'failed', 'stale', 'canceled'))
);
CREATE INDEX mapping_preview_of_company ON mapping_preview (company_id, id);
CREATE UNIQUE INDEX mapping_preview_once ON mapping_preview (company_id, idempotency_key);
-- What is to be done is found without looking at anything else.
CREATE INDEX mapping_preview_due ON mapping_preview (id) WHERE status IN ('queued', 'running', 'publishing');

SELECT wall_in_company('rule_draft', 'SELECT, INSERT, UPDATE, DELETE');
SELECT wall_in_company('mapping_preview', 'SELECT, INSERT, UPDATE, DELETE');
