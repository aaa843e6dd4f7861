-- How long the log was when the answer stood in it: a table that has not come that far does not lack it.
ALTER TABLE fetch_request ADD COLUMN answered_position bigint;
UPDATE fetch_request SET answered_position = 0 WHERE answered_at IS NOT NULL;

-- Runs that read Stripe: asked for, worked on in slices, ended. What is under way stands here, never in a queue.
CREATE TABLE sync_run (
    id bigint GENERATED ALWAYS AS IDENTITY,
    company_id bigint NOT NULL,
    account_id text NOT NULL,
    livemode boolean NOT NULL,
    trigger text NOT NULL CONSTRAINT sync_run_trigger_check
        CHECK (trigger IN ('initial', 'scheduled', 'manual', 'reauthorization')),
    status text NOT NULL DEFAULT 'queued' CONSTRAINT sync_run_status_check
        CHECK (status IN ('queued', 'running', 'succeeded', 'partially_succeeded', 'failed', 'canceled')),
    phase text NOT NULL DEFAULT 'queued' CONSTRAINT sync_run_phase_check
        CHECK (phase IN ('queued', 'listing', 'fetching', 'proving', 'finished')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    is_cancel_requested boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    finished_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Who works on it holds the lease in this epoch. A commit under an older epoch finds no row.
    lease_until timestamptz,
    epoch integer NOT NULL DEFAULT 0,
    waits_for text,
    crashes integer NOT NULL DEFAULT 0,
    proofs integer NOT NULL DEFAULT 0,
    differing integer,
    repaired integer NOT NULL DEFAULT 0,
    invoices_listed integer NOT NULL DEFAULT 0,
    invoices_new integer NOT NULL DEFAULT 0,
    invoices_changed integer NOT NULL DEFAULT 0,
    lines integer NOT NULL DEFAULT 0,
    prices integer NOT NULL DEFAULT 0,
    requests integer NOT NULL DEFAULT 0,
    rate_limited integer NOT NULL DEFAULT 0,
    coverage_from timestamptz,
    coverage_to timestamptz,
    error_code text,
    error_detail text,
    reconciliation jsonb,
    CONSTRAINT sync_run_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX sync_run_active ON sync_run (company_id) WHERE status IN ('queued', 'running');
CREATE INDEX sync_run_due ON sync_run (due_at) WHERE status IN ('queued', 'running');
CREATE INDEX sync_run_of_company ON sync_run (company_id, id);

-- Stretches of a list that are read side by side, each newest first, each with its own cursor.
CREATE TABLE sync_segment (
    run_id bigint NOT NULL,
    number integer NOT NULL,
    company_id bigint NOT NULL,
    resource text NOT NULL CONSTRAINT sync_segment_resource_check CHECK (resource IN ('invoices', 'customers', 'events')),
    -- Unix seconds, half-open; null is without a bound.
    created_from bigint,
    created_before bigint,
    cursor text,
    oldest_created bigint,
    page_limit integer NOT NULL DEFAULT 100,
    pages integer NOT NULL DEFAULT 0,
    objects integer NOT NULL DEFAULT 0,
    newest_created bigint,
    says_more boolean NOT NULL DEFAULT true,
    empty_answers integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    -- null while it is read; 'read' to its end, or 'forbidden' by Stripe.
    ended_as text CONSTRAINT sync_segment_ended_as_check CHECK (ended_as IN ('read', 'forbidden')),
    CONSTRAINT sync_segment_pkey PRIMARY KEY (run_id, number)
);

-- What Stripe's API last showed of an invoice, for holding the table against it.
CREATE TABLE sync_sighting (
    company_id bigint NOT NULL,
    livemode boolean NOT NULL,
    invoice_id text NOT NULL,
    run_id bigint NOT NULL,
    created bigint NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    -- null while not all lines were shown and Stripe does not say how many there are
    line_count integer,
    amount numeric,
    lines_digest text,
    unreadable text,
    -- in this run
    times_shown integer NOT NULL DEFAULT 1,
    CONSTRAINT sync_sighting_pkey PRIMARY KEY (company_id, livemode, invoice_id)
);

-- Which invoices a run found new or changed, so that each is counted once.
CREATE TABLE sync_change (
    run_id bigint NOT NULL,
    company_id bigint NOT NULL,
    invoice text NOT NULL,
    effect text NOT NULL CONSTRAINT sync_change_effect_check CHECK (effect IN ('new', 'changed')),
    CONSTRAINT sync_change_pkey PRIMARY KEY (run_id, invoice)
);

-- Which run a request was answered with, so that its repetition is answered alike, also when the run is over.
CREATE TABLE sync_request_key (
    company_id bigint NOT NULL,
    idempotency_key text NOT NULL,
    -- null only while the request is under way
    run_id bigint,
    CONSTRAINT sync_request_key_pkey PRIMARY KEY (company_id, idempotency_key)
);

CREATE TABLE sync_schedule (
    company_id bigint NOT NULL,
    next_sync_at timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    CONSTRAINT sync_schedule_pkey PRIMARY KEY (company_id)
);
CREATE INDEX sync_schedule_due ON sync_schedule (next_sync_at);
