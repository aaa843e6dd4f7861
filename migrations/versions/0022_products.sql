ALTER TABLE revenue_line ADD COLUMN product_name text, ADD COLUMN price_name text;
ALTER TABLE revenue_line_past ADD COLUMN product_name text, ADD COLUMN price_name text;

-- Prices have names that may change, so two facts of one second may disagree about them.
ALTER TABLE revenue_price ADD COLUMN is_contested boolean NOT NULL DEFAULT false;
CREATE INDEX revenue_price_gaps ON revenue_price (company_id, build) WHERE is_contested;

CREATE TABLE revenue_product (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    id text NOT NULL,
    book bytea NOT NULL,
    position bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    is_gap boolean NOT NULL,
    CONSTRAINT revenue_product_pkey PRIMARY KEY (company_id, build, livemode, id)
);
CREATE INDEX revenue_product_gaps ON revenue_product (company_id, build) WHERE is_gap;
SELECT wall_in_company('revenue_product', 'SELECT', false);

ALTER TABLE fetch_request DROP CONSTRAINT fetch_request_kind_check;
ALTER TABLE fetch_request ADD CONSTRAINT fetch_request_kind_check
    CHECK (kind IN ('invoice', 'invoice_lines', 'price', 'product', 'customer'));
ALTER TABLE sync_segment DROP CONSTRAINT sync_segment_resource_check;
ALTER TABLE sync_segment ADD CONSTRAINT sync_segment_resource_check
    CHECK (resource IN ('invoices', 'customers', 'products', 'events', 'other_events'));
