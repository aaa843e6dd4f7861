CREATE TABLE projection_state (
    projection text NOT NULL,
    build integer NOT NULL,
    company_id bigint NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'live' CONSTRAINT projection_state_status_check
        CHECK (status IN ('building', 'ready', 'live', 'halted', 'retired')),
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    error text,
    error_position bigint,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT projection_state_pkey PRIMARY KEY (projection, build, company_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE projection_active (
    projection text NOT NULL,
    company_id bigint NOT NULL,
    build integer NOT NULL,
    CONSTRAINT projection_active_pkey PRIMARY KEY (projection, company_id)
);

CREATE TABLE revenue_line (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    invoice_id text NOT NULL,
    invoice_line_item_id text NOT NULL,
    subscription_id text,
    customer_id text,
    customer_name text,
    customer_name_on_invoice text,
    description text,
    date date NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    amount bigint NOT NULL,
    discount_amount bigint NOT NULL,
    tax_amount bigint NOT NULL,
    net_amount bigint NOT NULL,
    currency text NOT NULL,
    currency_exponent smallint NOT NULL,
    type text NOT NULL,
    cadence text NOT NULL,
    interval_unit text,
    interval_count integer,
    cadence_source text NOT NULL,
    proration boolean NOT NULL,
    quantity text,
    price_id text,
    product_id text,
    invoice_number text,
    invoice_status text NOT NULL,
    invoice_complete boolean NOT NULL,
    position bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT revenue_line_pkey PRIMARY KEY (company_id, build, livemode, invoice_id, invoice_line_item_id)
);
CREATE INDEX revenue_line_by_date
    ON revenue_line (company_id, build, livemode, date, invoice_line_item_id, invoice_id);
CREATE INDEX revenue_line_by_amount
    ON revenue_line (company_id, build, livemode, amount, invoice_line_item_id, invoice_id);
CREATE INDEX revenue_line_by_id ON revenue_line (company_id, build, invoice_line_item_id);
CREATE INDEX revenue_line_by_customer ON revenue_line (company_id, build, customer_id);
CREATE INDEX revenue_line_by_price ON revenue_line (company_id, build, price_id);
CREATE INDEX revenue_line_unpriced ON revenue_line (company_id, build, livemode, price_id) WHERE type = 'unknown';

CREATE TABLE revenue_invoice (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    id text NOT NULL,
    book bytea NOT NULL,
    position bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    seen_at bigint NOT NULL,
    lacks_lines boolean NOT NULL,
    is_contested boolean NOT NULL,
    CONSTRAINT revenue_invoice_pkey PRIMARY KEY (company_id, build, livemode, id)
);
CREATE INDEX revenue_invoice_gaps ON revenue_invoice (company_id, build) WHERE lacks_lines OR is_contested;

CREATE TABLE revenue_price (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    id text NOT NULL,
    book bytea NOT NULL,
    position bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT revenue_price_pkey PRIMARY KEY (company_id, build, livemode, id)
);

CREATE TABLE revenue_customer (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    id text NOT NULL,
    book bytea NOT NULL,
    position bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    is_contested boolean NOT NULL,
    CONSTRAINT revenue_customer_pkey PRIMARY KEY (company_id, build, livemode, id)
);
CREATE INDEX revenue_customer_gaps ON revenue_customer (company_id, build) WHERE is_contested;

CREATE TABLE revenue_quarantine (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    position bigint NOT NULL,
    livemode boolean NOT NULL,
    entity text,
    reason text NOT NULL,
    seen_at bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT revenue_quarantine_pkey PRIMARY KEY (company_id, build, position)
);
