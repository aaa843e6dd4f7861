ALTER TABLE revenue_line ADD COLUMN credited_amount bigint NOT NULL DEFAULT 0;
ALTER TABLE revenue_line_past ADD COLUMN credited_amount bigint NOT NULL DEFAULT 0;

CREATE TABLE revenue_credit_note (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    credit_note_id text NOT NULL,
    invoice_id text NOT NULL,
    number text,
    status text NOT NULL,
    effective_on date NOT NULL,
    voided_on date,
    currency text NOT NULL,
    currency_exponent smallint NOT NULL,
    amount bigint NOT NULL,
    net_amount bigint NOT NULL,
    unapplied_amount bigint NOT NULL,
    lines text NOT NULL,
    is_complete boolean NOT NULL,
    is_invoice_known boolean NOT NULL,
    line_count integer NOT NULL,
    lines_digest text NOT NULL,
    updated_at timestamptz NOT NULL,
    position bigint NOT NULL,
    seen_at bigint NOT NULL,
    is_gap boolean NOT NULL,
    CONSTRAINT revenue_credit_note_pkey PRIMARY KEY (company_id, build, livemode, credit_note_id, invoice_id)
);
CREATE INDEX revenue_credit_note_gaps ON revenue_credit_note (company_id, build) WHERE is_gap;
CREATE TABLE revenue_credit_note_past (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    credit_note_id text NOT NULL,
    invoice_id text NOT NULL,
    position bigint NOT NULL,
    number text,
    status text NOT NULL,
    effective_on date NOT NULL,
    voided_on date,
    currency text NOT NULL,
    currency_exponent smallint NOT NULL,
    amount bigint NOT NULL,
    net_amount bigint NOT NULL,
    unapplied_amount bigint NOT NULL,
    lines text NOT NULL,
    is_complete boolean NOT NULL,
    is_invoice_known boolean NOT NULL,
    line_count integer NOT NULL,
    lines_digest text NOT NULL,
    updated_at timestamptz NOT NULL,
    until bigint NOT NULL,
    CONSTRAINT revenue_credit_note_past_pkey
        PRIMARY KEY (company_id, build, livemode, credit_note_id, invoice_id, position)
);
CREATE INDEX revenue_credit_note_by_day ON revenue_credit_note (company_id, build, livemode, effective_on, credit_note_id);
CREATE INDEX revenue_credit_note_of_invoice ON revenue_credit_note (company_id, build, invoice_id);
SELECT wall_in_company('revenue_credit_note', 'SELECT', false);
CREATE INDEX revenue_credit_note_past_by_day ON revenue_credit_note_past (company_id, build, livemode, effective_on, credit_note_id);
CREATE INDEX revenue_credit_note_past_of_invoice ON revenue_credit_note_past (company_id, build, invoice_id);
SELECT wall_in_company('revenue_credit_note_past', 'SELECT', false);

-- What Stripe's API last showed of a credit note, to compare with the table.
CREATE TABLE sync_credit_note_sighting (
    company_id bigint NOT NULL,
    livemode boolean NOT NULL,
    credit_note_id text NOT NULL,
    run_id bigint NOT NULL,
    status text NOT NULL,
    amount bigint,
    lines_digest text,
    unreadable text,
    CONSTRAINT sync_credit_note_sighting_pkey PRIMARY KEY (company_id, livemode, credit_note_id)
);
SELECT wall_in_company('sync_credit_note_sighting', 'SELECT, INSERT, UPDATE, DELETE');

ALTER TABLE fetch_request DROP CONSTRAINT fetch_request_kind_check;
ALTER TABLE fetch_request ADD CONSTRAINT fetch_request_kind_check
    CHECK (kind IN ('invoice', 'invoice_lines', 'credit_note', 'price', 'product', 'customer'));
ALTER TABLE sync_segment DROP CONSTRAINT sync_segment_resource_check;
ALTER TABLE sync_segment ADD CONSTRAINT sync_segment_resource_check
    CHECK (resource IN ('invoices', 'credit_notes', 'customers', 'products', 'events', 'other_events'));
