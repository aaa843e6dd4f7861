-- Meanwhile readers go on; only who folds has to wait.
CREATE INDEX revenue_line_by_product ON revenue_line (company_id, build, product_id);
CREATE INDEX revenue_line_by_currency_and_amount
    ON revenue_line (company_id, build, livemode, currency, amount, invoice_line_item_id, invoice_id);
CREATE INDEX revenue_line_by_position_and_ids
    ON revenue_line (company_id, build, position, invoice_line_item_id, invoice_id);

-- The customers, subscriptions, prices and products that lines have, with the number of lines of each. `words` is what
-- is searched as somebody types. It is compared byte by byte, so that a prefix is a range of the index.
CREATE TABLE revenue_facet (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    facet text NOT NULL,
    id text NOT NULL,
    name text,
    hint text,
    line_count bigint NOT NULL,
    words text COLLATE "C" NOT NULL GENERATED ALWAYS AS
        (lower(coalesce(left(name, 120) || E'\x1f', '') || coalesce(left(hint, 120) || E'\x1f', '') || id)) STORED,
    CONSTRAINT revenue_facet_pkey PRIMARY KEY (company_id, build, livemode, facet, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX revenue_facet_by_words ON revenue_facet (company_id, build, livemode, facet, words);
SELECT wall_in_company('revenue_facet', 'SELECT', false);

-- Views of the table that were given a name: a person's own, or the whole company's if they have no owner.
CREATE TABLE saved_view (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT saved_view_pkey PRIMARY KEY,
    company_id bigint NOT NULL CONSTRAINT saved_view_company_id_fkey REFERENCES company (id),
    owner_id bigint CONSTRAINT saved_view_owner_id_fkey REFERENCES user_account (id),
    name text NOT NULL,
    parameters jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX saved_view_own_name ON saved_view (company_id, owner_id, lower(name)) WHERE owner_id IS NOT NULL;
CREATE UNIQUE INDEX saved_view_company_name ON saved_view (company_id, lower(name)) WHERE owner_id IS NULL;
SELECT wall_in_company('saved_view', 'SELECT, INSERT, UPDATE, DELETE');

-- How a person wants a company's table to look when an address does not say it; null is the default.
CREATE TABLE table_preference (
    company_id bigint NOT NULL CONSTRAINT table_preference_company_id_fkey REFERENCES company (id),
    user_id bigint NOT NULL CONSTRAINT table_preference_user_id_fkey REFERENCES user_account (id),
    columns text,
    density text CONSTRAINT table_preference_density_check CHECK (density IN ('comfortable', 'compact')),
    CONSTRAINT table_preference_pkey PRIMARY KEY (company_id, user_id)
);
SELECT wall_in_company('table_preference', 'SELECT, INSERT, UPDATE, DELETE');

-- From here on readers wait, too, so it comes last. The address that an invoice names is shown when its customer has no
-- name. What lines are ordered by for their customer is a column and no expression: row-level security keeps its
-- functions out of the conditions of an index. Amounts are compared within one currency.
ALTER TABLE revenue_line_past ADD COLUMN customer_email text, ADD COLUMN customer_order text;
ALTER TABLE revenue_line ADD COLUMN customer_email text, ADD COLUMN customer_order text;
CREATE INDEX revenue_line_by_customer_order
    ON revenue_line (company_id, build, livemode, customer_order, invoice_line_item_id, invoice_id);
DROP INDEX revenue_line_by_amount, revenue_line_by_position;
ALTER INDEX revenue_line_by_currency_and_amount RENAME TO revenue_line_by_amount;
ALTER INDEX revenue_line_by_position_and_ids RENAME TO revenue_line_by_position;
