-- Shares of lines by the dated changes of their amounts, with what each month recognizes of them.

CREATE TABLE revenue_part (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    invoice_id text NOT NULL,
    invoice_line_item_id text NOT NULL,
    share smallint NOT NULL,
    step smallint NOT NULL,
    cause text NOT NULL,
    credit_note_id text,
    layer text NOT NULL,
    rule_id text,
    stream_id text NOT NULL,
    plan_id text NOT NULL,
    kind text NOT NULL,
    basis_points smallint NOT NULL,
    treatment text,
    currency text NOT NULL,
    booked_on date NOT NULL,
    is_booked_estimated boolean NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    amount bigint NOT NULL,
    first_month integer NOT NULL,
    last_month integer NOT NULL,
    months bigint[] NOT NULL,
    contra bigint NOT NULL,
    expense bigint NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT revenue_part_pkey
        PRIMARY KEY (company_id, build, livemode, invoice_id, invoice_line_item_id, share, step)
);
CREATE INDEX revenue_part_by_month ON revenue_part (company_id, build, livemode, last_month, first_month);
CREATE INDEX revenue_part_billed_ahead ON revenue_part (company_id, build, livemode, first_month, booked_on)
    WHERE (EXTRACT(year FROM booked_on) * 12 + EXTRACT(month FROM booked_on) - 1) < first_month;
CREATE INDEX revenue_part_billed_late ON revenue_part (company_id, build, livemode, booked_on, last_month)
    WHERE (EXTRACT(year FROM booked_on) * 12 + EXTRACT(month FROM booked_on) - 1) > last_month;
CREATE INDEX revenue_part_by_position ON revenue_part (company_id, build, position);
CREATE INDEX revenue_part_by_stream ON revenue_part (company_id, build, stream_id) WHERE step = 0 AND layer <> 'unmapped';
SELECT wall_in_company('revenue_part', 'SELECT', false);

CREATE TABLE revenue_part_past (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    invoice_id text NOT NULL,
    invoice_line_item_id text NOT NULL,
    share smallint NOT NULL,
    step smallint NOT NULL,
    position bigint NOT NULL,
    cause text NOT NULL,
    credit_note_id text,
    layer text NOT NULL,
    rule_id text,
    stream_id text NOT NULL,
    plan_id text NOT NULL,
    kind text NOT NULL,
    basis_points smallint NOT NULL,
    treatment text,
    currency text NOT NULL,
    booked_on date NOT NULL,
    is_booked_estimated boolean NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    amount bigint NOT NULL,
    first_month integer NOT NULL,
    last_month integer NOT NULL,
    months bigint[] NOT NULL,
    contra bigint NOT NULL,
    expense bigint NOT NULL,
    until bigint NOT NULL,
    CONSTRAINT revenue_part_past_pkey
        PRIMARY KEY (company_id, build, livemode, invoice_id, invoice_line_item_id, share, step, position)
);
CREATE INDEX revenue_part_past_by_position ON revenue_part_past (company_id, build, position);
CREATE INDEX revenue_part_past_by_until ON revenue_part_past (company_id, build, until);
SELECT wall_in_company('revenue_part_past', 'SELECT', false);

CREATE TABLE recognition_by_month (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    currency text NOT NULL,
    stream_id text NOT NULL,
    plan_id text NOT NULL,
    kind text NOT NULL,
    cause text NOT NULL,
    booked_month integer NOT NULL,
    month integer NOT NULL,
    earned numeric NOT NULL,
    contra numeric NOT NULL,
    CONSTRAINT recognition_by_month_pkey PRIMARY KEY
        (company_id, build, livemode, currency, stream_id, plan_id, kind, cause, booked_month, month)
);
SELECT wall_in_company('recognition_by_month', 'SELECT', false);

CREATE TABLE recognition_month_stretch (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    currency text NOT NULL,
    stream_id text NOT NULL,
    plan_id text NOT NULL,
    kind text NOT NULL,
    cause text NOT NULL,
    booked_month integer NOT NULL,
    month integer NOT NULL,
    stretch bigint NOT NULL,
    earned numeric NOT NULL,
    contra numeric NOT NULL,
    CONSTRAINT recognition_month_stretch_pkey PRIMARY KEY
        (company_id, build, livemode, currency, stream_id, plan_id, kind, cause, booked_month, month, stretch)
);
SELECT wall_in_company('recognition_month_stretch', 'SELECT', false);

-- What maps lines: the facts that the book follows from, and the outcomes that people chose for lines.
CREATE TABLE revenue_book (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    book bytea NOT NULL,
    has_line_overrides boolean NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT revenue_book_pkey PRIMARY KEY (company_id, build)
);
SELECT wall_in_company('revenue_book', 'SELECT', false);

CREATE TABLE revenue_line_override (
    company_id bigint NOT NULL,
    build integer NOT NULL,
    livemode boolean NOT NULL,
    invoice_id text NOT NULL,
    invoice_line_item_id text NOT NULL,
    batch_id text NOT NULL,
    outcome text NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT revenue_line_override_pkey
        PRIMARY KEY (company_id, build, livemode, invoice_id, invoice_line_item_id)
);
SELECT wall_in_company('revenue_line_override', 'SELECT', false);
