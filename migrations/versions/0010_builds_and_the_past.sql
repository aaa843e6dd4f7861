ALTER TABLE projection_state ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE projection_state ADD COLUMN is_automatic boolean NOT NULL DEFAULT true;

-- Events that an operator told a projection to pass over. Each is a fact of the log, too.
CREATE TABLE projection_skip (
    company_id bigint NOT NULL,
    projection text NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT projection_skip_pkey PRIMARY KEY (company_id, projection, position)
);

ALTER TABLE revenue_line ADD COLUMN is_added boolean NOT NULL DEFAULT true;
CREATE INDEX revenue_line_by_position ON revenue_line (company_id, build, position);
CREATE INDEX revenue_line_by_subscription ON revenue_line (company_id, build, subscription_id);

-- What rows said before: each of them stood from its position to just before `until`.
CREATE TABLE revenue_line_past (
    LIKE revenue_line,
    until bigint NOT NULL,
    is_removed boolean NOT NULL,
    is_displaced boolean NOT NULL,
    CONSTRAINT revenue_line_past_pkey
        PRIMARY KEY (company_id, build, invoice_line_item_id, livemode, invoice_id, position)
);
CREATE INDEX revenue_line_past_by_position ON revenue_line_past (company_id, build, position);
CREATE INDEX revenue_line_past_by_until ON revenue_line_past (company_id, build, until);
CREATE INDEX revenue_line_past_displaced ON revenue_line_past (company_id, build, until) WHERE is_displaced;

-- At which position the first line of a day came into the table.
CREATE TABLE revenue_day (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    date date NOT NULL,
    first_position bigint NOT NULL,
    CONSTRAINT revenue_day_pkey PRIMARY KEY (company_id, build, livemode, date)
);

-- The sum of the hashes of all rows up to `position`, the last that any event changed within its stretch of the log.
CREATE TABLE revenue_checksum (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    stretch bigint NOT NULL,
    position bigint NOT NULL,
    row_count bigint NOT NULL,
    checksum bytea NOT NULL,
    CONSTRAINT revenue_checksum_pkey PRIMARY KEY (company_id, build, stretch)
);

-- What a stretch of the log added to each month, and what all of them add up to.
CREATE TABLE revenue_month_stretch (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    month date NOT NULL,
    currency text NOT NULL,
    invoice_status text NOT NULL,
    type text NOT NULL,
    cadence text NOT NULL,
    stretch bigint NOT NULL,
    count bigint NOT NULL,
    amount numeric NOT NULL,
    net_amount numeric NOT NULL,
    CONSTRAINT revenue_month_stretch_pkey
        PRIMARY KEY (company_id, build, livemode, month, currency, invoice_status, type, cadence, stretch)
);
CREATE TABLE revenue_by_month (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    month date NOT NULL,
    currency text NOT NULL,
    invoice_status text NOT NULL,
    type text NOT NULL,
    cadence text NOT NULL,
    count bigint NOT NULL,
    amount numeric NOT NULL,
    net_amount numeric NOT NULL,
    CONSTRAINT revenue_by_month_pkey
        PRIMARY KEY (company_id, build, livemode, month, currency, invoice_status, type, cadence)
) WITH (fillfactor = 70);

CREATE TABLE connection_state (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    status text NOT NULL,
    account_id text,
    livemode boolean,
    last_success_at timestamptz,
    data_through timestamptz,
    run_id bigint,
    run_status text,
    run_error json,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT connection_state_pkey PRIMARY KEY (company_id, build)
);

-- Behind the second wall, too. What is filled by COPY cannot be forced.
SELECT wall_in_company(name::regclass, 'SELECT', false)
FROM unnest(ARRAY['revenue_line_past', 'revenue_day', 'revenue_checksum', 'revenue_month_stretch', 'revenue_by_month',
                  'connection_state']) AS t (name);
SELECT wall_in_company('projection_skip', 'SELECT');
